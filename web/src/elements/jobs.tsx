// For the administrator: which jobs failed, and what is wrong with how the database is set.
import { Button } from 'antd'
import { post } from '../api/client'
import { queries, useForms, useGet } from '../api/query'
import type { FailedJob, Installation } from '../api/types'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { absolute, parse } from '../app/time'
import { Card, Empty, Failed, Loading } from './parts'

export function Jobs() {
  const { t, w, lang } = useWords()
  const now = useNow()
  const forms = useForms()
  const q = useGet<FailedJob[]>('/api/job')
  const machine = useGet<Installation>('/api/installation')
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  const at = (s: string) => { const x = parse(s); return x === null ? '' : absolute(x, now, lang) }
  const form = (key: string) => { const f = forms.data?.find((x) => x.key === key); return f ? w(f.label) : '' }
  return (
    <Card title={t('job.title')}>
      {(machine.data?.warnings.length ?? 0) > 0 && <p className="notice amber">{t('job.standby')}</p>}
      {machine.data?.copy && <p className={machine.data.copy.failing ? 'notice amber' : 'soft small'}>{t(machine.data.copy.failing ? 'job.copy_fails' : 'job.copy', { at: at(machine.data.copy.at) })}</p>}
      <p className="soft small">{t('job.text')}</p>
      {!q.data ? <Loading rows={2} /> : !q.data.length ? <Empty>{t('job.none')}</Empty> : (
        <div className="table-box">
          <table className="list">
            <thead><tr><th>{t('job.who')}</th><th>{t('job.what')}</th><th>{t('job.far')}</th><th>{t('job.why')}</th><th>{t('delivery.tries')}</th><th>{t('delivery.next')}</th></tr></thead>
            <tbody>
              {q.data.map((j) => (
                <tr key={j.id}>
                  <td>{j.name}</td>
                  <td>{j.kind === 'export' ? t('job.export', { form: form(j.form) }) : t('job.import', { form: form(j.form), file: j.about })}</td>
                  <td className="num">{j.done} / {j.total}</td>
                  <td>{t(j.error === 'unavailable' ? 'job.away' : j.error === 'internal' ? 'job.internal' : 'job.refused')}</td>
                  <td className="num">{t('times', { count: j.tries })}</td>
                  <td className="nowrap">{j.dead ? <>{t('delivery.dead')} <Button size="small" onClick={() => void post(`/api/job/${j.id}/again`).then(() => queries.invalidateQueries({ queryKey: ['/api/job'] }))}>{t('job.again')}</Button></> : at(j.next)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  )
}
