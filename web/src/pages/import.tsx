// Records from a sheet: which file, which column is what, a trial, then the rows one by one.
import { DownloadOutlined, UploadOutlined } from '@ant-design/icons'
import { Button, Progress, Select } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { Link, useParams, useSearchParams } from 'react-router'
import { call, post, problemOf } from '../api/client'
import { refresh, useForm, useGet } from '../api/query'
import type { FileValue, Form, ImportJob, ImportRead, Problem } from '../api/types'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { ClauseChip } from '../elements/clause'
import { Card, Failed, Loading } from '../elements/parts'
import { Refused } from '../elements/refusal'

export default function Import() {
  const { key = '' } = useParams()
  const { t, w } = useWords()
  const form = useForm(key)
  useTitle(form.data ? t('import.of', { what: w(form.data.label) }) : '')
  if (form.error) return <Failed error={form.error} again={form.refetch} />
  if (!form.data) return <Loading rows={6} />
  return <Steps key={key} form={form.data} />
}

/** The file and the running job stand in the address: one may leave and come back. */
function Steps({ form: f }: { form: Form }) {
  const { t, w } = useWords()
  const [params, setParams] = useSearchParams()
  const file = params.get('file') ?? ''
  const job = params.get('job') ?? ''
  const [columns, setColumns] = useState<string[] | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const put = (change: Record<string, string>) => {
    const p = new URLSearchParams(params)
    for (const [k, v] of Object.entries(change)) if (v) p.set(k, v); else p.delete(k)
    setParams(p)
  }
  const match = params.get('match') ?? ''
  const start = async (dry: boolean, cols: string[]) => {
    setBusy(true)
    setProblem(null)
    try {
      const x = await post<ImportJob>(`/api/form/${f.key}/import`, { file, columns: cols, match: cols.includes(match) ? match : '', dry })
      put({ job: x.id, cols: cols.join(',') })
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy(false)
  }
  return (
    <div className="narrow">
      <header className="page-head"><h1>{t('import.of', { what: w(f.label) })}</h1><div className="acts"><Link to={`/register/${f.key}`}>{t('import.back')}</Link></div></header>
      {problem && <Refused problem={problem} />}
      {!file ? <Upload form={f} onFile={(x) => put({ file: x.id })} />
        : job ? <Progressed form={f} id={job} onAgain={() => put({ job: '' })} onOther={() => { setColumns(null); setParams({}) }} onRun={() => void start(false, columns ?? params.get('cols')?.split(',') ?? [])} busy={busy} />
        : <Columns form={f} file={file} columns={columns ?? params.get('cols')?.split(',') ?? null} onChange={setColumns} match={match} onMatch={(x) => put({ match: x })} onTry={(c) => void start(true, c)} onOther={() => setParams({})} busy={busy} />}
    </div>
  )
}

function Upload({ form: f, onFile }: { form: Form; onFile: (x: FileValue) => void }) {
  const { t, w } = useWords()
  const input = useRef<HTMLInputElement>(null)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const send = async (list: FileList | null) => {
    if (!list?.[0]) return
    setBusy(true)
    setProblem(null)
    const body = new FormData()
    body.append('file', list[0])
    try {
      onFile(await call<FileValue>('POST', '/api/file', { body }))
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy(false)
  }
  return (
    <Card title={t('import.file')}>
      {problem && <Refused problem={problem} />}
      <p>{t('import.file_text', { what: w(f.label) })}</p>
      <input ref={input} type="file" accept=".xlsx,.csv,.txt" className="sr" aria-label={t('import.choose')} onChange={(e) => { void send(e.target.files); e.target.value = '' }} />
      <div className="row-actions" onDragOver={(e) => e.preventDefault()} onDrop={(e) => { e.preventDefault(); void send(e.dataTransfer.files) }}>
        <Button type="primary" icon={<UploadOutlined />} loading={busy} onClick={() => input.current?.click()}>{t('import.choose')}</Button>
        <span className="soft">{t('import.limits')}</span>
      </div>
    </Card>
  )
}

function Columns({ form: f, file, columns, onChange, match, onMatch, onTry, onOther, busy }: { form: Form; file: string; columns: string[] | null; onChange: (c: string[]) => void; match: string; onMatch: (id: string) => void; onTry: (c: string[]) => void; onOther: () => void; busy: boolean }) {
  const { t, w } = useWords()
  const [read, setRead] = useState<ImportRead | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  useEffect(() => {
    let live = true
    post<ImportRead>(`/api/form/${f.key}/import/read`, { file }).then((x) => { if (live) setRead(x) }, (e) => { if (live) setProblem(problemOf(e)) })
    return () => { live = false }
  }, [f.key, file])
  if (problem) return <Refused problem={problem}><Button onClick={onOther}>{t('import.other')}</Button></Refused>
  if (!read) return <Loading rows={6} />
  const chosen = columns ?? read.columns.map((c) => c.field)
  const known = (read.match ?? []).filter((id) => chosen.includes(id))
  const missing = read.fields.filter((x) => x.required && !chosen.includes(x.id))
  return (
    <Card title={t('import.columns')} extra={<span className="soft">{t('import.rows', { count: read.rows })}</span>}>
      <div className="table-box">
        <table>
          <thead><tr><th>{t('import.column')}</th><th>{t('import.sample')}</th><th>{t('import.field')}</th></tr></thead>
          <tbody>
            {read.columns.map((c, i) => (
              <tr key={i}>
                <td><b>{c.name || '—'}</b></td>
                <td className="soft">{c.sample.join(' / ')}</td>
                <td>
                  <Select
                    aria-label={t('import.field_of', { name: c.name })}
                    style={{ width: 220 }}
                    showSearch={{ optionFilterProp: 'label' }}
                    value={chosen[i] ?? ''}
                    options={[{ value: '', label: t('import.skip') }, ...read.fields.map((x) => ({ value: x.id, label: w(x.label), disabled: chosen.includes(x.id) && chosen[i] !== x.id }))]}
                    onChange={(v: string) => onChange(read.columns.map((_, k) => (k === i ? v : (chosen[k] ?? ''))))}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {missing.length > 0 && <p className="notice amber gap-above">{t('import.missing', { what: missing.map((x) => w(x.label)).join('、') })}</p>}
      {known.length > 0 && (
        <div className="item gap-above">
          <label htmlFor="import-match">{t('import.match')}</label>
          <div><Select id="import-match" style={{ minWidth: 320, maxWidth: '100%' }} value={known.includes(match) ? match : ''} onChange={onMatch}
            options={[{ value: '', label: t('import.match_none') }, ...known.map((id) => ({ value: id, label: t('import.match_by', { what: w(read.fields.find((x) => x.id === id)?.label) }) }))]} /></div>
          {known.includes(match) && <p className="hint">{t('import.match_text')}</p>}
        </div>
      )}
      <div className="row-actions">
        <Button onClick={onOther}>{t('import.other')}</Button>
        <Button type="primary" loading={busy} onClick={() => onTry(chosen)}>{t('import.try')}</Button>
        <span className="soft">{t('import.try_text')}</span>
      </div>
    </Card>
  )
}

function Progressed({ form: f, id, onAgain, onOther, onRun, busy }: { form: Form; id: string; onAgain: () => void; onOther: () => void; onRun: () => void; busy: boolean }) {
  const { t, w } = useWords()
  const q = useGet<ImportJob>(`/api/import/${id}`, undefined, { refetchInterval: (x) => (x.state.data?.state === 'running' || !x.state.data ? 700 : false), staleTime: 0 })
  const state = q.data?.state
  const dry = q.data?.dry
  useEffect(() => {
    if (state && state !== 'running' && !dry) refresh()
  }, [state, dry])
  if (q.error) return <Failed error={q.error} again={onAgain} />
  if (!q.data) return <Loading rows={4} />
  const j = q.data
  const running = j.state === 'running'
  return (
    <>
      <Card title={t(`import.${j.dry ? 'dry' : 'real'}.${j.state}`)} extra={<span className="soft">{j.name}</span>}>
        <div aria-live="polite">
          <Progress percent={j.total ? Math.floor((j.done / j.total) * 100) : 100} status={running ? 'active' : j.state === 'done' ? 'success' : 'normal'} />
          <p>
            {t(j.dry ? 'import.would' : 'import.came', { count: j.good })}
            {!!j.match && !running && <> {t('import.of_them', { changed: j.changed ?? 0, same: j.same ?? 0 })}</>}
            {j.refused > 0 && <> {t('import.refused', { count: j.refused })}</>}
            {!running && j.done < j.total && <> {t('import.left', { count: j.total - j.done })}</>}
          </p>
        </div>
        {j.problem && <Refused problem={j.problem} />}
        <div className="row-actions">
          {running && <><Button onClick={() => void call('DELETE', `/api/import/${id}`).then(() => q.refetch())}>{t('bulk.stop')}</Button><span className="soft">{j.dry ? '' : t('import.stop_text')}</span></>}
          {!running && j.dry && <><Button onClick={onAgain}>{t('import.change')}</Button><Button onClick={onOther}>{t('import.other')}</Button></>}
          {!running && j.refused > 0 && <Button icon={<DownloadOutlined />} href={`/api/import/${id}/refused.xlsx`} download>{t('import.download')}</Button>}
          {j.state === 'done' && j.dry && j.good > 0 && <Button type="primary" loading={busy} onClick={onRun}>{t('import.run', { count: j.good })}</Button>}
          {!running && !j.dry && <><Button onClick={onOther}>{t('import.more')}</Button><Link to={`/register/${f.key}?all=1&sort=-at`}>{t('import.see', { what: w(f.label) })}</Link></>}
        </div>
        {!running && j.dry && j.refused > 0 && j.good > 0 && <p className="soft">{t('import.partly')}</p>}
      </Card>
      {!!j.alike?.length && !running && (
        <Card title={t('import.alike')}>
          <p className="soft">{t('import.alike_text')}</p>
          <ul className="rows import-rows">
            {j.alike.map((r) => (
              <li key={r.row}>
                <b className="num">{t('import.row', { n: r.row })}</b>
                <div>
                  {!!r.twin && <div>{t('import.twin', { n: r.twin })}</div>}
                  {r.alike?.map((x) => <div key={x.id}><Link to={`/record/${x.form}/${x.id}`}>{[x.number, x.title].filter(Boolean).join(' ')}</Link> <span className="soft small">{x.why.map((y) => t(y.same ? 'alike.field_same' : 'alike.field_near', { what: w(y.label) })).join(t('comma'))}</span></div>)}
                </div>
              </li>
            ))}
          </ul>
        </Card>
      )}
      {j.rows.length > 0 && !running && (
        <Card title={t('import.refused_rows', { count: j.refused })}>
          <ul className="rows import-rows">
            {j.rows.map((r) => (
              <li key={r.row}>
                <b className="num">{t('import.row', { n: r.row })}</b>
                <div>{r.items.map((x, i) => <div key={i}>{x.column >= 0 && <span className="kind">{j.head[x.column]}</span>} {w(x.say)} <ClauseChip id={x.clause} /></div>)}</div>
              </li>
            ))}
          </ul>
          {j.refused > j.rows.length && <p className="soft">{t('import.rest', { count: j.refused - j.rows.length })}</p>}
        </Card>
      )}
    </>
  )
}
