// What would last year have been with other company values? In sentences with their numbers, and the records behind them.
import { Button } from 'antd'
import { useRef, useState } from 'react'
import { Link } from 'react-router'
import { call, problemOf } from '../api/client'
import type { DryChange, DryDeadline, DryRun, Problem, Values } from '../api/types'
import { serverNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { money } from '../app/money'
import { absolute, parse } from '../app/time'
import { ClauseChip } from './clause'
import { Refused } from './refusal'

interface Ask { values?: Record<string, { value?: unknown; rows?: Values[] }>; woken?: string[] }
const FEW = 8

/** The button and, below it, the answer; an answer to other values than those that now stand there is taken away. */
export function DryRunOf({ book, ask, title }: { book: string; ask: Ask; title: string }) {
  const { t } = useWords()
  const [got, setGot] = useState<{ for: string; run: DryRun } | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const stop = useRef<AbortController | null>(null)
  const asked = JSON.stringify(ask)
  const go = async () => {
    const c = (stop.current = new AbortController())
    setBusy(true)
    setProblem(null)
    try {
      setGot({ for: asked, run: await call<DryRun>('POST', `/api/rulebook/${book}/dry-run`, { body: ask, signal: c.signal }) })
    } catch (e) {
      if (!c.signal.aborted) setProblem(problemOf(e))
    }
    setBusy(false)
  }
  return (
    <div className="dry-run">
      <div className="row-actions start">
        <Button onClick={() => void go()} loading={busy}>{title}</Button>
        {busy && <Button type="link" onClick={() => stop.current?.abort()}>{t('dry.stop')}</Button>}
      </div>
      <div aria-live="polite">
        {busy && <p className="soft small">{t('dry.busy')}</p>}
        {problem && <Refused problem={problem} />}
        {got && got.for === asked && !busy && <Answer run={got.run} />}
      </div>
    </div>
  )
}

function Answer({ run: r }: { run: DryRun }) {
  const { t, w } = useWords()
  const nothing = !r.deadlines.length && !r.approvals.length && !r.values.length
  return (
    <section className="dry-answer" aria-label={t('dry.answer')}>
      <p className="soft small">{t('dry.period', { from: r.from, until: r.until, count: r.records })}{r.more && ' ' + t('dry.more')}</p>
      {r.conflicts.map((c, i) => <p key={i} className="notice amber">{t('dry.conflict', { what: w(c.say) })} <ClauseChip id={c.clause} /></p>)}
      {!r.records ? <p>{t('dry.no_records')}</p> : nothing && <p>{t('dry.nothing')}</p>}
      {r.deadlines.map((d) => <OneDeadline key={d.form + d.id} d={d} />)}
      {r.approvals.map((c) => <OneChange key={c.form + w(c.label)} c={c} kind="approval" />)}
      {r.values.map((c) => <OneChange key={c.form + w(c.label)} c={c} kind="value" />)}
      {r.aside.length > 0 && <><p>{t('dry.aside')}</p><ul className="plain">{r.aside.map((a, i) => <li key={i}>{w(a.label) && !w(a.text).includes(w(a.label)) ? w(a.label) + t('dry.colon') : ''}{w(a.text)}</li>)}</ul></>}
      <p className="soft small">{t('dry.note')}</p>
    </section>
  )
}

function OneDeadline({ d }: { d: DryDeadline }) {
  const { t, w, lang } = useWords()
  const [all, setAll] = useState(false)
  const now = serverNow()
  const at = (s?: string) => (s ? absolute(parse(s) ?? 0, now, lang, true) : '—')
  const by = d.units.map((u) => t('dry.held', { unit: w(u.unit), count: u.count })).join(t('comma'))
  const rows = all ? d.records : d.records.slice(0, FEW)
  return (
    <div className="dry-one">
      <h4>{t('dry.of', { form: w(d.form_label), what: w(d.label) })} <ClauseChip id={d.clause} /></h4>
      <p>
        {t('dry.late', { count: d.then, late: d.late_then, now: d.late_now })}
        {d.added > 0 ? t('dry.added', { count: d.added, by: by ? t('dry.colon') + by : '' }) : ''}
        {d.spared > 0 ? t('dry.spared', { count: d.spared }) : ''}
        {!d.added && !d.spared ? t(d.moved ? 'dry.moved' : 'dry.same', { count: d.moved }) : ''}
      </p>
      {rows.length > 0 && (
        <ul className="rows dry-rows">
          {rows.map((x) => (
            <li key={x.id + x.due}>
              <Link to={`/record/${x.form}/${x.id}`}>{x.number ?? ''} {x.name}</Link>{' '}
              <span className={`kind ${x.added ? 'warn' : ''}`}>{t(x.added ? 'dry.now_late' : 'dry.now_met')}</span>
              <div className="soft small">{t('dry.dues', { due: at(x.due), then: at(x.then) })}{t('semicolon')}{x.met ? t('dry.met', { at: at(x.met) }) : t('dry.unmet')}{x.unit ? t('semicolon') + w(x.unit) : ''}</div>
            </li>
          ))}
        </ul>
      )}
      {d.records.length > FEW && !all && <Button type="link" onClick={() => setAll(true)}>{t('dry.all', { count: d.records.length })}</Button>}
    </div>
  )
}

function OneChange({ c, kind }: { c: DryChange; kind: 'approval' | 'value' }) {
  const { t, w } = useWords()
  return (
    <div className="dry-one">
      <h4>{t('dry.of', { form: w(c.form_label), what: w(c.label) })} <ClauseChip id={c.clause} /></h4>
      <p>{t(`dry.${kind}`, { count: c.count, changed: c.changed })}{c.now !== undefined ? t('dry.sums', { now: money(c.now), then: money(c.then ?? '0') }) : ''}</p>
      {c.ways && <ul className="plain">{c.ways.map((x, i) => <li key={i}>{t('dry.way', { from: w(x.from), to: w(x.to), count: x.count })}</li>)}</ul>}
    </div>
  )
}
