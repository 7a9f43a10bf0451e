import { Alert, Button, Drawer, Spin } from 'antd'
import { useState, type ReactNode } from 'react'
import { useNow } from '../app/clock'
import { useText } from '../app/lang'
import { absolute, late as lateWords, left as leftWords, parse } from '../app/time'
import { useGet } from '../api/query'
import type { Clause, Problem } from '../api/types'

export function ClauseChip({ id }: { id?: string }) {
  const [open, setOpen] = useState(false)
  if (!id) return null
  return (
    <>
      <button type="button" className="clause" onClick={(e) => { e.stopPropagation(); setOpen(true) }}>§ {id}</button>
      {open && <ClauseDrawer id={id} onClose={() => setOpen(false)} />}
    </>
  )
}

function ClauseDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const { t, l } = useText()
  const q = useGet<Clause>(`/api/clause/${id}`)
  return (
    <Drawer open title={`§ ${id}`} onClose={onClose} size={420}>
      {q.isLoading && <Spin />}
      {q.data && (
        <>
          <p className="read">{l(q.data.text)}</p>
          {q.data.legal && <Alert type="warning" title={l(q.data.legal)} />}
          <h3>{t('does')}</h3>
          <ul>{(q.data.does ?? []).map((d, i) => <li key={i}>{l(d.text) || l(d.label)}</li>)}</ul>
          <p>{t('fired')} {q.data.fired ?? 0}</p>
        </>
      )}
    </Drawer>
  )
}

/** A deadline said twice: how long is left, and the exact moment. */
export function Due({ due, state }: { due?: string | null; state?: string }) {
  const now = useNow()
  const { lang } = useText()
  const at = parse(due)
  if (at === null) return <span className="mark none">—</span>
  const over = now > at && state !== 'met'
  const kind = state === 'met' ? 'met' : state === 'met_late' || state === 'late_met' ? 'metlate' : state === 'paused' ? 'paused' : over ? 'late' : state === 'warning' ? 'warning' : 'ample'
  const sign = { met: '✓', metlate: '✓', paused: '‖', late: '●', warning: '◔', ample: '○' }[kind]
  return (
    <span className="due">
      <span className={`mark ${kind}`}>{sign} {over ? lateWords(now - at, lang) : leftWords(at - now, lang)}</span>
      <span className="exact">{absolute(at, now, lang, true)}</span>
    </span>
  )
}

/** A refusal in its parts: what, the facts, the clause, who may, what is kept. */
export function Refused({ problem, children }: { problem: Problem; children?: ReactNode }) {
  const { t, l } = useText()
  if (problem.kind === 'offline') return <Alert type="warning" title={t('offline')} role="alert" />
  if (problem.kind === 'internal') return <Alert type="error" title={t('ourFault')} description={problem.ref} role="alert" />
  return (
    <div className={`refusal ${problem.kind === 'invalid' ? 'wrong' : ''}`} role="alert">
      <strong>{problem.title}</strong>
      {problem.detail && problem.detail !== problem.title && <p>{problem.detail}</p>}
      <ul>
        {(problem.items ?? []).map((it, i) => (
          <li key={i}>{l(it.say)} <ClauseChip id={it.clause} /></li>
        ))}
      </ul>
      {!!problem.who_may?.length && (
        <p>{t('whoMay')}{problem.who_may.map((p) => `${p.post ?? ''} ${p.name}`.trim()).join('、')}</p>
      )}
      {problem.tries_left !== undefined && <p>{problem.tries_left}</p>}
      {children}
    </div>
  )
}

export function Loading() {
  const { t } = useText()
  return <div className="card skeleton" aria-busy="true" aria-label={t('loading')}><i /><i /><i /></div>
}

export function Failed({ problem, again }: { problem: Problem; again?: () => void }) {
  const { t } = useText()
  return <div className="card"><Refused problem={problem}>{again && <Button onClick={again}>{t('retry')}</Button>}</Refused></div>
}
