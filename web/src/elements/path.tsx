// The way a record goes: one line of stages in the order of the clause.
import { lazy, Suspense, useState } from 'react'
import { useNow } from '../app/clock'
import { useWide } from '../app/device'
import { useWords } from '../app/i18n'
import { isoDate, late as lateWords, left as leftWords, parse } from '../app/time'
import type { Step } from '../api/types'
import { Side } from './parts'

const FlowPanel = lazy(() => import('./flow'))

export function Path({ steps, form, record, label }: { steps: Step[]; form: string; record: string; label: string }) {
  const { t, lang, w } = useWords()
  const wide = useWide()
  const now = useNow()
  const [open, setOpen] = useState(false)
  const [flow, setFlow] = useState(false)
  const see = <button type="button" className="link small" onClick={() => setFlow(true)}>{t('flow.see')}</button>
  const panel = flow && <Suspense fallback={null}><FlowPanel form={form} record={record} label={label} onClose={() => setFlow(false)} /></Suspense>
  const day = (s?: string | null) => { const x = parse(s); return x === null ? '' : isoDate(x).slice(isoDate(x).slice(0, 4) === isoDate(now).slice(0, 4) ? 5 : 0) }
  const current = steps.findIndex((s) => s.status === 'current')
  const body = (s: Step, i: number) => {
    const due = parse(s.due)
    const over = s.status === 'current' && due !== null && now > due
    const holders = s.holder ?? []
    return (
      <li key={s.state} className={`${s.status} ${over || (s.status === 'current' && s.late) ? 'over' : ''} ${s.status === 'done' && s.late ? 'was-late' : ''}`} aria-current={s.status === 'current' ? 'step' : undefined}>
        <span className="dot" aria-hidden="true">{s.status === 'done' ? '✓' : s.status === 'skipped' ? '–' : over ? '!' : i + 1}</span>
        <span className="name">{w(s.label)}</span>
        {s.status === 'skipped' && <span className="soft small">{t('path.skipped')}</span>}
        {holders.length > 0 && s.status !== 'skipped' && <span className="who soft small">{holders[0].name}{holders.length > 1 ? t('path.others', { count: holders.length - 1, total: holders.length }) : ''}</span>}
        {s.status === 'done' && <span className="soft small">{day(s.to)}{s.late ? ` ${t('path.late')}` : ''}</span>}
        {s.status === 'current' && due !== null && <span className={`small ${over ? 'late' : 'soft'}`}>{over ? lateWords(now - due, lang) : leftWords(due - now, lang)}</span>}
      </li>
    )
  }
  if (wide && steps.length <= 14) return <div className="card path-card"><ol className="path" style={{ gridTemplateColumns: steps.map((s) => (s.status === 'current' ? 'minmax(112px, 1.4fr)' : 'minmax(0, 1fr)')).join(' ') }}>{steps.map(body)}</ol><div className="path-more">{see}</div>{panel}</div>
  const i = current < 0 ? steps.length - 1 : current
  return (
    <div className="card path-short">
      <button type="button" onClick={() => setOpen(true)}>
        <b>{current < 0 ? t('path.all_done') : t('path.step', { n: i + 1, of: steps.length, name: w(steps[i].label) })}</b>
        <span className="soft small">
          {i > 0 && `✓ ${w(steps[i - 1].label)} → `}<b>{w(steps[i].label)}</b>{i + 1 < steps.length && ` → ${w(steps[i + 1].label)}`}
        </span>
      </button>
      <div className="path-more">{see}</div>
      {panel}
      {open && <Side title={t('path.title')} onClose={() => setOpen(false)}><ol className="path vertical">{steps.map(body)}</ol></Side>}
    </div>
  )
}
