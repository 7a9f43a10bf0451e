// What will change for whom, from when, and can I go back? Parameters by regulation; people, roles, calendar beside them.
import { Button, DatePicker, Input } from 'antd'
import dayjs from 'dayjs'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { call, problemOf } from '../api/client'
import { queries, useForms, useGet } from '../api/query'
import type { Book, BookBrief, Field, Param, Problem, Values } from '../api/types'
import { serverNow, useTitle } from '../app/clock'
import { useWords, words } from '../app/i18n'
import { useMe } from '../app/session'
import { isoDate } from '../app/time'
import { money } from '../app/money'
import { ClauseChip } from '../elements/clause'
import { Card, Failed, Loading, Side } from '../elements/parts'
import { Refused } from '../elements/refusal'
import { FieldInput, FieldView } from '../fields'
import { plain } from '../fields/plain'

export function paramWords(p: Param, lang: 'zh' | 'en', value: unknown = p.value): string {
  if (value === null || value === undefined || value === '') return '—'
  const option = p.options?.find((o) => o.id === value)
  if (option) return words(option.label, lang)
  if (p.type === 'money' && typeof value === 'string') return money(value)
  if (p.type === 'percent') return `${value}%`
  return plain(value, lang)
}

/** How many rows a table had, as its history keeps it. */
function rowsOf(value: unknown): number {
  try {
    return (JSON.parse(String(value)) as unknown[]).length
  } catch {
    return 0
  }
}

export default function Settings() {
  const { book } = useParams()
  const { t, w } = useWords()
  const me = useMe()
  const books = useGet<BookBrief[]>('/api/rulebook')
  const forms = useForms()
  useTitle(t('nav.settings'))
  if (books.error) return <Failed error={books.error} again={books.refetch} />
  if (!books.data) return <Loading rows={6} />
  const list = books.data.filter((b) => (b.clauses?.total ?? 0) > 0)
  const platform = (forms.data ?? []).filter((f) => f.kept === 'platform')
  return (
    <>
      <header className="page-head"><h1>{t('nav.settings')}</h1></header>
      {platform.length > 0 && !book && (
        <Card title={t('settings.people')}>
          <div className="tiles">{platform.map((f) => <div className="tile" key={f.key}><Link to={`/register/${f.key}`}>{w(f.label)}</Link></div>)}</div>
        </Card>
      )}
      {!me.rights.includes('settings') && <p className="notice">{t('settings.read_only')}</p>}
      {list.filter((b) => !book || b.id === book).map((b) => <Parameters key={b.id} id={b.id} title={w(b.title)} />)}
    </>
  )
}

function Parameters({ id, title }: { id: string; title: string }) {
  const { t, w, lang } = useWords()
  const q = useGet<Book>(`/api/rulebook/${id}`)
  const [open, setOpen] = useState<string>('')
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={6} />
  const params = q.data.parameters ?? []
  const whole = params.find((p) => p.id === open)
  return (
    <>
      <Card title={<Link to={`/rulebook/${id}`}>{title}</Link>} extra={<span className="soft small">{t('parameters')} {params.length}</span>}>
        <div className="table-box">
          <table className="list">
            <thead><tr><th>{t('parameter')}</th><th>{t('param.now')}</th><th>{t('param.since')}</th><th>{t('param.source')}</th><th>{t('clause')}</th></tr></thead>
            <tbody>
              {params.map((p) => (
                <tr key={p.id} onClick={() => setOpen(p.id)}>
                  <td><button type="button" className="link" onClick={() => setOpen(p.id)}>{w(p.label)}</button></td>
                  <td className="num">{p.rows ? t('param.rows', { count: p.rows.length }) : paramWords(p, lang)}</td>
                  <td className="num nowrap">{p.since?.slice(0, 10)}</td>
                  <td>{p.source === 'default' ? <span className="kind warn">{t('param.default')}</span> : p.source === 'text' ? t('param.text') : t('param.company')}</td>
                  <td><ClauseChip id={p.clause} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Card>
      {whole && <Side title={w(whole.label)} onClose={() => setOpen('')} width={560}><ParamValue book={id} param={whole} /></Side>}
    </>
  )
}

/** A parameter in words, its history, and a change: from a day on, with a reason. */
export function ParamValue({ book, param: p }: { book: string; param: Param }) {
  const { t, w, lang } = useWords()
  const me = useMe()
  const [value, setValue] = useState<unknown>(p.value)
  const [rows, setRows] = useState<Values[]>(p.rows ?? [])
  const [from, setFrom] = useState(isoDate(serverNow()))
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const [changing, setChanging] = useState(false)
  const [said, setSaid] = useState('')
  const columns = [...(p.key ?? []), ...(p.out ?? [])]
  const field: Field = { id: p.id, label: p.label, type: p.type, options: p.options }
  const send = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await call('POST', `/api/rulebook/${book}/parameter/${p.id}`, { body: { ...(p.rows ? { rows } : { value }), from, reason } })
      setSaid(t('param.done', { from }))
      setChanging(false)
      void queries.invalidateQueries()
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy(false)
  }
  return (
    <>
      <p>
        {!p.rows && <span className="amount">{paramWords(p, lang)}</span>}
        <span className="soft"> {t('param.since_at', { at: p.since?.slice(0, 10) ?? '' })}</span> <ClauseChip id={p.clause} />
      </p>
      {p.source === 'default' && <p className="notice amber">{t('param.default_text')}</p>}
      {p.rows && (
        <div className="table-box">
          <table>
            <thead><tr>{columns.map((c) => <th key={c.id}>{w(c.label)}</th>)}</tr></thead>
            <tbody>{rows.map((r, i) => (
              <tr key={i}>{columns.map((c) => (
                <td key={c.id}>
                  {changing && p.out?.includes(c) ? <FieldInput id={`cell-${i}-${c.id}`} form="" field={c} value={r[c.id]} onChange={(v) => setRows(rows.map((x, k) => (k === i ? { ...x, [c.id]: v } : x)))} />
                    : c.upto && !r[c.id] ? t('param.above') : <FieldView field={c} value={r[c.id]} />}
                </td>
              ))}</tr>
            ))}</tbody>
          </table>
        </div>
      )}
      {!!p.history?.length && (
        <>
          <h3>{t('history')}</h3>
          <ul className="rows">{p.history.map((h, i) => <li key={i}><span className="num">{h.from.slice(0, 10)}</span> <b>{p.rows ? t('param.rows', { count: rowsOf(h.value) }) : paramWords(p, lang, h.value)}</b> {w(h.by)} <span className="soft">{h.reason}</span></li>)}</ul>
        </>
      )}
      {said && <p className="notice" role="status">{said}</p>}
      {me.rights.includes('settings') && !changing && <Button onClick={() => setChanging(true)}>{t('param.change')}</Button>}
      {changing && (
        <form onSubmit={(e) => { e.preventDefault(); void send() }}>
          {!p.rows && <div className="item"><label htmlFor="param-value" id="param-value-label">{t('param.new')}</label><FieldInput id="param-value" form="" field={field} value={value} onChange={setValue} autoFocus /></div>}
          <div className="item"><label htmlFor="param-from">{t('param.from')}</label><div><DatePicker id="param-from" value={dayjs(from)} onChange={(d) => d && setFrom(d.format('YYYY-MM-DD'))} allowClear={false} /></div></div>
          <div className="item"><label htmlFor="param-reason">{t('reason')}</label><Input.TextArea id="param-reason" autoSize={{ minRows: 2 }} value={reason} onChange={(e) => setReason(e.target.value)} /></div>
          <p className="soft small">{t('param.pinned')}</p>
          {problem && <Refused problem={problem} />}
          <div className="row-actions"><Button onClick={() => setChanging(false)}>{t('cancel')}</Button><Button type="primary" htmlType="submit" loading={busy}>{t('param.do')}</Button></div>
        </form>
      )}
    </>
  )
}
