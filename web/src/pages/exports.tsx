// Lists that were too long to leave at once: how far each is, and what can be fetched.
import { DownloadOutlined } from '@ant-design/icons'
import { Button, Progress } from 'antd'
import { useState } from 'react'
import { Link } from 'react-router'
import { call, post, problemOf, save } from '../api/client'
import { useForms, useGet } from '../api/query'
import type { ExportJob, ExportRequest, Problem } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { absolute, parse } from '../app/time'
import { Card, Empty, Failed, Loading } from '../elements/parts'
import { Refused } from '../elements/refusal'

export default function Exports() {
  const { t, w, lang } = useWords()
  const now = useNow()
  useTitle(t('exports'))
  const forms = useForms()
  const [problem, setProblem] = useState<Problem | null>(null)
  const q = useGet<ExportJob[]>('/api/export', undefined, { refetchInterval: (x) => (x.state.data?.some((j) => j.state === 'running') ? 700 : false), staleTime: 0 })
  const asked = useGet<ExportRequest[]>('/api/export-request', undefined, { staleTime: 0 })
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data || !forms.data) return <Loading rows={4} />
  const at = (s: string) => { const x = parse(s); return x === null ? '' : absolute(x, now, lang) }
  const late = (j: ExportJob) => !!j.until && (parse(j.until) ?? 0) <= now
  const doing = (what: Promise<unknown>) => void what.then(() => { setProblem(null); void q.refetch(); void asked.refetch() }, (e) => setProblem(problemOf(e)))
  return (
    <div className="narrow">
      <header className="page-head"><h1>{t('exports')}</h1></header>
      <p className="soft">{t('exports.text')}</p>
      {problem && <Refused problem={problem} />}
      {!q.data.length ? <Card><Empty>{t('exports.none')}</Empty></Card> : q.data.map((j) => {
        const name = w(forms.data.find((f) => f.key === j.form)?.label)
        return (
          <Card key={j.id} title={<Link to={`/register/${j.form}`}>{name}</Link>} extra={<span className="soft">{at(j.at)}</span>}>
            <div aria-live="polite">
              <Progress percent={j.state === 'done' ? 100 : j.total ? Math.min(99, Math.floor((j.done / j.total) * 100)) : 0} status={j.state === 'running' ? 'active' : j.state === 'done' ? 'success' : 'normal'} aria-label={t('exports.far', { what: name })} />
              <p>{late(j) ? t('exports.late') : t(`exports.${j.state}`, { done: j.done, total: j.total, until: j.until ? at(j.until) : '' })}</p>
            </div>
            {j.problem && <Refused problem={j.problem} />}
            <div className="row-actions">
              {j.state === 'running' && <Button onClick={() => doing(call('DELETE', `/api/export/${j.id}`))}>{t('bulk.stop')}</Button>}
              {j.state === 'done' && !late(j) && <Button type="primary" icon={<DownloadOutlined />} onClick={() => doing(save(`/api/export/${j.id}/file.xlsx`, `${name}.xlsx`))}>{t('exports.fetch')}</Button>}
            </div>
          </Card>
        )
      })}
      {!!asked.data?.length && <h2>{t('ask_export.mine')}</h2>}
      {asked.data?.map((r) => (
        <Card key={r.id} title={<Link to={`/record/base.export_request/${r.id}`}>{w(forms.data.find((f) => f.key === r.form)?.label)}</Link>} extra={<span className="soft">{w(r.label)}</span>}>
          <p>{t('ask_export.of', { rows: r.rows, until: r.until })}</p>
          <p className="soft note">{w(r.told)}</p>
          {r.state === 'granted' && !r.open && <p>{t('ask_export.over')}</p>}
          {r.open && <div className="row-actions"><Button type="primary" icon={<DownloadOutlined />} onClick={() => doing(post(`/api/export-request/${r.id}`))}>{t('ask_export.start')}</Button></div>}
        </Card>
      ))}
    </div>
  )
}
