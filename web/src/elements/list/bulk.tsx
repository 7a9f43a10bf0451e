// One action on the ticked rows, each by itself: what is common to all, how far it is, what became of each.
import { Button, Input, Progress } from 'antd'
import { useRef, useState } from 'react'
import { Link } from 'react-router'
import { newKey, post, problemOf } from '../../api/client'
import { refresh } from '../../api/query'
import type { ActionDef, BulkResult, Form, Problem, Row, Text, Values } from '../../api/types'
import { useWords } from '../../app/i18n'
import { useUploading } from '../../app/uploads'
import { ClauseChip } from '../clause'
import { blank, changed, type Draft } from '../draft'
import { Fill, sendable, type Ask } from '../fill'
import { Side } from '../parts'
import { People, Refused } from '../refusal'
import { ManyLinks } from './links'

export const MOST = 200
const SLICE = 8 // records a request: so many go on after 停下

type Outcome = { row: Row; problem?: Problem }

export function BulkBar({ form: f, rows, onClear }: { form: Form; rows: Row[]; onClear: () => void }) {
  const { t, w } = useWords()
  const [chosen, setChosen] = useState<ActionDef | null>(null)
  const [work, setWork] = useState<{ done: Outcome[]; of: Row[]; running: boolean; stopped?: boolean; problem?: Problem } | null>(null)
  const [linking, setLinking] = useState<{ action: string; label: Text } | null>(null)
  const stop = useRef(false)
  const here = (a: ActionDef) => !a.from?.length || rows.some((r) => a.from!.includes(r.state ?? ''))
  const acts = f.actions.filter((a) => a.bulk && here(a))
  const single = f.actions.filter((a) => !a.bulk && a.from?.length && here(a) && !['create', 'edit'].includes(a.id)).slice(0, 2)

  const run = async (a: ActionDef, body: { values: Values; reason: string }) => {
    setChosen(null)
    stop.current = false
    const key = newKey()
    const of = rows.slice(0, MOST)
    const done: Outcome[] = []
    setWork({ done, of, running: true })
    let problem: Problem | undefined
    for (let i = 0; i < of.length && !stop.current && !problem; i += SLICE) {
      const slice = of.slice(i, i + SLICE)
      try {
        const x = await post<{ results: BulkResult[] }>(`/api/form/${f.key}/bulk/${a.id}`, { ...body, records: slice.map((r) => ({ id: r.id, etag: r.etag })) }, { key: `${key}-${i}` })
        for (const y of x.results) done.push({ row: slice.find((r) => r.id === y.id)!, problem: y.ok ? undefined : (y.problem ?? { kind: 'internal', status: 0, title: '' }) })
        setWork({ done: [...done], of, running: true })
      } catch (e) {
        problem = problemOf(e)
      }
    }
    setWork({ done: [...done], of, running: false, stopped: stop.current, problem })
    refresh()
  }
  const press = (a: ActionDef) => (a.fill?.length || a.reason || a.style === 'danger' ? setChosen(a) : void run(a, { values: {}, reason: '' }))
  return (
    <div className="bulk" role="region" aria-label={t('list.bulk')}>
      <b>{t('list.ticked', { count: rows.length })}</b>
      {rows.length > MOST && <span>{t('list.most', { count: MOST })}</span>}
      {acts.map((a) => <Button key={a.id} onClick={() => { if (!work?.running) press(a) }}>{w(a.label)}</Button>)}
      {f.links?.map((l) => <Button key={l.action} onClick={() => setLinking(l)}>{f.links!.length > 1 ? t('links.give_for', { what: w(l.label) }) : t('links.give')}</Button>)}
      {single.length > 0 && <span className="soft">{t('list.singly', { what: single.map((a) => w(a.label)).join('、') })}</span>}
      <button type="button" className="link" onClick={onClear}>{t('list.untick')}</button>
      {chosen && <Common form={f} action={chosen} count={Math.min(rows.length, MOST)} onClose={() => setChosen(null)} onDo={(body) => void run(chosen, body)} />}
      {linking && <ManyLinks form={f} rows={rows.slice(0, MOST)} of={linking} onClose={() => setLinking(null)} />}
      {work && <Outcomes form={f} work={work} onStop={() => (stop.current = true)} onClose={() => { stop.current = true; setWork(null); onClear() }} />}
    </div>
  )
}

/** What an action asks for, the same for all of them. */
function Common({ form: f, action: a, count, onClose, onDo }: { form: Form; action: ActionDef; count: number; onClose: () => void; onDo: (body: { values: Values; reason: string }) => void }) {
  const { t, w } = useWords()
  const [draft, setDraft] = useState<Draft>(blank())
  const [reason, setReason] = useState('')
  const uploading = useUploading()
  const asks = (a.fill ?? []).flatMap((x): Ask[] => {
    const field = f.fields.find((y) => y.id === x.field)
    return field ? [{ field, required: false, clause: x.clause, label: x.label }] : []
  })
  return (
    <Side title={w(a.label)} onClose={onClose}>
      <form onSubmit={(e) => { e.preventDefault(); onDo({ values: sendable(asks, [], draft).values, reason }) }}>
        {asks.length > 0 && <p className="soft">{t('bulk.common')}</p>}
        <Fill form={f.key} prefix="bulk" asks={asks} lines={[]} draft={draft} onChange={(c) => setDraft((d) => changed(d, c))} autoFocus foldOptional={false} />
        {!!a.reason && (
          <div className="item">
            <label htmlFor="bulk-reason">{t('reason')} <small className="soft">{t('reason_min', { count: a.reason })}</small></label>
            <Input.TextArea id="bulk-reason" autoSize={{ minRows: 2 }} value={reason} onChange={(e) => setReason(e.target.value)} />
          </div>
        )}
        <div className="row-actions"><Button onClick={onClose}>{t('cancel')}</Button><Button type="primary" danger={a.style === 'danger'} disabled={uploading} htmlType="submit">{t('bulk.do', { what: w(a.label), count })}</Button></div>
      </form>
    </Side>
  )
}

function Outcomes({ form: f, work, onStop, onClose }: { form: Form; work: { done: Outcome[]; of: Row[]; running: boolean; stopped?: boolean; problem?: Problem }; onStop: () => void; onClose: () => void }) {
  const { t, w } = useWords()
  const refused = work.done.filter((x) => x.problem)
  const good = work.done.filter((x) => !x.problem)
  const name = (r: Row) => [r.number, r.title].filter(Boolean).join(' ') || t('list.unnumbered')
  return (
    <Side title={work.running ? t('bulk.running', { n: work.done.length, of: work.of.length }) : t('list.result', { done: good.length, of: work.of.length })} onClose={onClose}>
      <div aria-live="polite">
        {(work.running || work.stopped) && <Progress percent={Math.floor((work.done.length / work.of.length) * 100)} status={work.running ? 'active' : 'normal'} />}
        {work.running && <div className="row-actions"><Button onClick={onStop}>{t('bulk.stop')}</Button><span className="soft">{t('bulk.stop_text')}</span></div>}
        {work.stopped && !work.running && <p className="notice">{t('bulk.stopped', { count: work.of.length - work.done.length })}</p>}
      </div>
      {work.problem && <Refused problem={work.problem} />}
      {refused.length > 0 && <h3>{t('bulk.refused', { count: refused.length })}</h3>}
      <ul className="rows bulk-rows">
        {refused.map(({ row, problem: p }) => (
          <li key={row.id}>
            <Link to={`/record/${f.key}/${row.id}`} target="_blank">{name(row)}</Link>
            {p!.items?.length ? p!.items.map((x, i) => <div key={i}>{w(x.say)} <ClauseChip id={x.clause} /></div>) : <div>{p!.title || t(`problem.${p!.kind}`)}</div>}
            {!!p!.who_may?.length && <div className="soft small">{t('who_may')} <People list={p!.who_may} /></div>}
          </li>
        ))}
      </ul>
      {good.length > 0 && !work.running && (
        <details className="fold-plain" open={!refused.length}>
          <summary>{t('bulk.good', { count: good.length })}</summary>
          <ul className="rows">{good.map(({ row }) => <li key={row.id}>✓ <Link to={`/record/${f.key}/${row.id}`} target="_blank">{name(row)}</Link></li>)}</ul>
        </details>
      )}
    </Side>
  )
}
