import { Button, message } from 'antd'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { serverNow, useTitle } from '../app/clock'
import { useText } from '../app/lang'
import { absolute, parse } from '../app/time'
import { call, newKey, problemOf } from '../api/client'
import { recordPath, refresh, useForm, useGet } from '../api/query'
import type { ActionOpen, HistoryEntry, Problem, Rec } from '../api/types'
import { ClauseChip, Due, Failed, Loading, Refused } from '../elements/parts'
import { View } from '../fields/field'
import { Act, Fill, sendable, useDraft } from './act'

/** One record: where it stands, what is open to me and why the rest is closed, its content, its clocks, its history. */
export function RecordPage() {
  const { key = '', id = '' } = useParams()
  const { t, l, lang } = useText()
  const form = useForm(key)
  const rec = useGet<Rec>(recordPath(key, id))
  const past = useGet<HistoryEntry[]>(`${recordPath(key, id)}/history`)
  const [doing, setDoing] = useState<ActionOpen | null>(null)
  const [said, holder] = message.useMessage()
  useTitle(rec.data ? `${rec.data.number ?? ''} ${rec.data.title ?? ''}` : '')
  if (rec.error) return <Failed problem={problemOf(rec.error)} again={() => rec.refetch()} />
  if (!rec.data || !form.data) return <Loading />
  const r = rec.data
  const f = form.data
  const at = (s?: string | null) => { const x = parse(s); return x === null ? '' : absolute(x, serverNow(), lang) }
  const open = r.actions.open.filter((a) => !['view', 'print', 'export', 'import', 'reveal'].includes(a.id))
  const worst = (r.clocks ?? []).filter((c) => ['open', 'late', 'warning'].includes(c.state)).sort((a, b) => String(a.due).localeCompare(String(b.due)))[0]
  const shown = (ids: string[]) => ids.map((x) => f.fields.find((y) => y.id === x)).filter((x) => x !== undefined).filter((x) => { const v = r.values[x.id]; return v !== null && v !== undefined && v !== '' && !(Array.isArray(v) && !v.length) })
  const listed = new Set(f.sections.flatMap((s) => s.fields))
  const sections = [...f.sections, { id: 'rest', label: t('content'), fields: f.fields.map((x) => x.id).filter((x) => !listed.has(x)) }]
  return (
    <>
      {holder}
      <header className="head">
        <div>
          <Link to={`/register/${key}`}>{l(f.label)}</Link>
          <h1>{r.number} {r.title} <span className="tag">{l(r.state_label) || l(f.states.find((s) => s.id === r.state)?.label)}</span></h1>
          {worst && <Due due={worst.due} state={worst.state} />}
        </div>
        <div className="acts">
          {open.map((a, i) => <Button key={a.id} type={i === 0 && a.id !== 'void' ? 'primary' : 'default'} danger={a.id === 'void'} onClick={() => setDoing(a)}>{l(a.label)}</Button>)}
          <Button onClick={() => window.print()}>{t('print')}</Button>
        </div>
      </header>
      {!!r.path?.length && (
        <ol className="path">
          {r.path.map((s, i) => (
            <li key={s.state} className={s.status + (s.late ? ' late' : '')} aria-current={s.status === 'current' ? 'step' : undefined}>
              <b>{s.status === 'done' ? '✓' : s.status === 'skipped' ? '–' : i + 1}</b>
              <span>{l(s.label)}</span>
              <small>{(s.holder ?? []).slice(0, 1).map((h) => h.name).join('')}</small>
              <small>{at(s.to ?? s.due)}</small>
            </li>
          ))}
        </ol>
      )}
      <div className="two">
        <div>
          {sections.map((s) => {
            const list = shown(s.fields)
            return !!list.length && (
              <section className="card" key={s.id}>
                <h2>{l(s.label)}</h2>
                <dl>{list.map((x) => <div key={x.id}><dt>{l(x.label)}</dt><dd><View field={x} value={r.values[x.id]} /></dd></div>)}</dl>
              </section>
            )
          })}
          {f.lines.filter((x) => r.lines[x.id]?.length).map((x) => (
            <section className="card scroll" key={x.id}>
              <h2>{l(x.label)}</h2>
              <table>
                <thead><tr>{x.fields.map((c) => <th key={c.id}>{l(c.label)}</th>)}</tr></thead>
                <tbody>{r.lines[x.id].map((row, i) => <tr key={row.id ?? i}>{x.fields.map((c) => <td key={c.id}><View field={c} value={row.values[c.id]} /></td>)}</tr>)}</tbody>
              </table>
            </section>
          ))}
          <section className="card">
            <h2>{t('history')}</h2>
            <ul className="history">
              {(past.data ?? []).map((h) => (
                <li key={h.id}><time>{at(h.at)}</time><span>{h.by?.name}</span><span>{l(h.text) || l(h.label)}{h.comment ? `　${h.comment}` : ''}</span><span>{(h.clauses ?? []).slice(0, 2).map((c) => <ClauseChip key={c} id={c} />)}</span></li>
              ))}
            </ul>
          </section>
        </div>
        <aside>
          {!!r.clocks?.length && <section className="card"><h2>{t('limits')}</h2>{r.clocks.map((c) => <div className="clockrow" key={c.id}><div>{l(c.label) || '—'} <ClauseChip id={c.clause} /></div><Due due={c.due} state={c.state} /></div>)}</section>}
          {!!r.waiting?.length && <section className="card"><h2>{t('waiting')}</h2>{r.waiting.map((w) => <p key={w.approval}>{l(w.label)} {w.who.map((p) => p.name).join('、')}</p>)}</section>}
          {!!r.actions.closed.length && (
            <section className="card"><h2>{t('closedActions')}</h2>
              {r.actions.closed.slice(0, 12).map((a) => (
                <div className="closed" key={a.id}><b>{l(a.label)}</b> <ClauseChip id={a.clause ?? a.problem?.items?.[0]?.clause} />
                  <div>{(a.problem?.items ?? []).map((i) => l(i.say)).join('；')}</div>
                  {!!a.problem?.who_may?.length && <small>{t('whoMay')}{a.problem.who_may.map((p) => p.name).join('、')}</small>}
                </div>
              ))}
            </section>
          )}
          {!!r.copies?.length && <section className="card"><h2>{t('copies')}</h2>{r.copies.map((c) => <p key={c.id}>{c.mark}　{at(c.received_at ?? c.at)}</p>)}</section>}
          {(r.related ?? []).filter((x) => x.rows.length).map((x) => (
            <section className="card" key={x.form + x.relation}><h2>{l(x.label)} {x.total}</h2>{x.rows.map((y) => <p key={y.id}><Link to={`/record/${x.form}/${y.id}`}>{y.number || y.title || '—'}</Link> {l(y.state_label)}</p>)}</section>
          ))}
        </aside>
      </div>
      {doing && <Act form={f} rec={r} action={doing} onClose={() => setDoing(null)} onDone={(d) => { setDoing(null); void said.success(l(d.done.text) || t('done')) }} />}
    </>
  )
}

/** A new record: only what people fill in, kept as a draft until it is filed. */
export function NewRecord() {
  const { key = '' } = useParams()
  const { t, l } = useText()
  const go = useNavigate()
  const form = useForm(key)
  const [draft, setDraft, drop] = useDraft(`draft:new:${key}`, { values: {}, lines: {} })
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  useTitle(l(form.data?.label))
  if (!form.data) return <Loading />
  const f = form.data
  const firstSection = f.sections[0]?.fields
  const fields = f.fields.filter((x) => !x.computed && (!firstSection || firstSection.includes(x.id) || x.required))
  const send = async () => {
    setBusy(true)
    try {
      const made = await call<Rec>('POST', `/api/form/${key}/record`, { body: sendable(f, draft, fields, []), key: newKey() })
      drop()
      refresh()
      go(`/record/${key}/${made.id}`)
    } catch (e) {
      setProblem(problemOf(e))
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <header className="head"><h1>{t('create')} {l(f.label)}</h1></header>
      {problem && <Refused problem={problem} />}
      <section className="card"><Fill form={f} fields={fields} lines={[]} draft={draft} onChange={setDraft} problem={problem} required={(id) => !!f.fields.find((x) => x.id === id)?.required} /></section>
      <div className="pager"><Button onClick={() => go(-1)}>{t('cancel')}</Button><Button type="primary" loading={busy} onClick={send}>{t('submit')}</Button></div>
    </>
  )
}
