// A company value: in words, as a table, its history, a change, and a dry run of it.
import { Button, DatePicker, Input } from 'antd'
import dayjs from 'dayjs'
import { useState } from 'react'
import { call, problemOf } from '../api/client'
import { queries } from '../api/query'
import type { Field, Param, Problem, Value, Values } from '../api/types'
import { serverNow } from '../app/clock'
import { useWords, words } from '../app/i18n'
import { money } from '../app/money'
import { isoDate } from '../app/time'
import { FieldInput, FieldView } from '../fields'
import { plain } from '../fields/plain'
import { ClauseChip } from './clause'
import { DryRunOf } from './dry-run'
import { Refused } from './refusal'

/** A text that its author wrote in two languages, 中文 | English, as the reader reads it. */
function half(value: unknown, type: string, lang: 'zh' | 'en'): unknown {
  const [zh, en] = type === 'text' && typeof value === 'string' ? value.split(' | ') : []
  return en ? (lang === 'en' ? en : zh) : value
}

export function paramWords(p: Param, lang: 'zh' | 'en', value: unknown = p.value): string {
  if (value === null || value === undefined || value === '') return '—'
  const option = p.options?.find((o) => o.id === value)
  if (option) return words(option.label, lang)
  if (p.type === 'money' && typeof value === 'string') return money(value)
  if (p.type === 'percent') return `${value}%`
  return plain(half(value, p.type, lang), lang)
}

/** How many rows a table had, as its history keeps it. */
function rowsOf(value: unknown): number {
  try {
    return (JSON.parse(String(value)) as unknown[]).length
  } catch {
    return 0
  }
}

/** A parameter in words, its history, and a change: from a day on, with a reason. */
export function ParamValue({ book, param: p }: { book: string; param: Param }) {
  const { t, w, lang } = useWords()
  const [value, setValue] = useState<unknown>(p.value)
  const [rows, setRows] = useState<Values[]>(p.rows ?? [])
  const [from, setFrom] = useState(isoDate(serverNow()))
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const [mode, setMode] = useState<'' | 'change' | 'try'>('')
  const changing = mode !== ''
  const [said, setSaid] = useState('')
  const columns = [...(p.key ?? []), ...(p.out ?? [])]
  const field: Field = { id: p.id, label: p.label, type: p.type, options: p.options }
  const send = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await call('POST', `/api/rulebook/${book}/parameter/${p.id}`, { body: { ...(p.rows ? { rows } : { value }), from, reason } })
      setSaid(t('param.done', { from }))
      setMode('')
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
                    : c.upto && !r[c.id] ? t('param.above') : <FieldView field={c} value={half(r[c.id], c.type, lang) as Value} />}
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
      {!changing && (
        <div className="row-actions start">
          {p.may_change && <Button onClick={() => setMode('change')}>{t('param.change')}</Button>}
          {p.may_try && !p.may_change && <Button onClick={() => setMode('try')}>{t('dry.open')}</Button>}
        </div>
      )}
      {changing && (
        <form onSubmit={(e) => { e.preventDefault(); if (mode === 'change') void send() }}>
          {!p.rows && <div className="item"><label htmlFor="param-value" id="param-value-label">{t('param.new')}</label><FieldInput id="param-value" form="" field={field} value={value} onChange={setValue} autoFocus /></div>}
          {p.may_try && <DryRunOf book={book} ask={{ values: { [p.id]: p.rows ? { rows } : { value } } }} title={p.rows ? t('dry.do_rows') : t('dry.do', { value: paramWords(p, lang, value) })} />}
          {mode === 'change' && (
            <>
              <div className="item"><label htmlFor="param-from">{t('param.from')}</label><div><DatePicker id="param-from" value={dayjs(from)} onChange={(d) => d && setFrom(d.format('YYYY-MM-DD'))} allowClear={false} /></div></div>
              <div className="item"><label htmlFor="param-reason">{t('reason')}</label><Input.TextArea id="param-reason" autoSize={{ minRows: 2 }} value={reason} onChange={(e) => setReason(e.target.value)} /></div>
              <p className="soft small">{t('param.pinned')}</p>
              {problem && <Refused problem={problem} />}
            </>
          )}
          <div className="row-actions"><Button onClick={() => setMode('')}>{t('cancel')}</Button>{mode === 'change' && <Button type="primary" htmlType="submit" loading={busy}>{t('param.do')}</Button>}</div>
        </form>
      )}
    </>
  )
}
