// The deadline mark: sign, words, colour, the exact moment, and why.
import { useState } from 'react'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { absolute, late as lateWords, left as leftWords, length, parse, span } from '../app/time'
import type { Clock, Text } from '../api/types'
import { ClauseChip } from './clause'
import { WhyDrawer } from './why'

const MINUTE = 60_000
export type MarkKind = 'ample' | 'warning' | 'late' | 'paused' | 'met' | 'metlate' | 'none' | 'void' | 'dropped'

interface Props {
  due?: string | null
  from?: string | null
  state?: string
  warned?: boolean
  metAt?: string | null
  overrun?: string | number | null
  pausedFor?: Text
  working?: boolean
  label?: string
  exact?: 'below' | 'beside' | 'none'
}

export function markKind(p: Props, now: number): MarkKind {
  const due = parse(p.due)
  const s = p.state
  if (s === 'void' || s === 'dropped') return s
  if (s === 'met') return 'met'
  if (s === 'met_late' || s === 'late_met') return 'metlate'
  if (s === 'paused') return 'paused'
  if (due === null) return 'none'
  if (now > due) return 'late'
  if (s === 'warning' || p.warned) return 'warning'
  return 'ample'
}

const SIGN: Record<MarkKind, string> = { ample: '○', warning: '◔', late: '●', paused: '‖', met: '✓', metlate: '✓', none: '◌', void: '–', dropped: '–' }

export function Deadline(p: Props) {
  const { t, lang, w } = useWords()
  const due = parse(p.due)
  const coarse = useNow()
  const near = due !== null && Math.abs(due - coarse) < 11 * MINUTE
  const fine = useNow(near)
  const now = near ? fine : coarse
  const kind = markKind(p, now)
  const from = parse(p.from)
  const met = parse(p.metAt)
  const short = due !== null && from !== null && due - from <= 60 * MINUTE
  let text: string
  switch (kind) {
    case 'ample':
    case 'warning':
      text = leftWords(due! - now, lang, short)
      break
    case 'late':
      text = lateWords(now - due!, lang, short)
      break
    case 'paused':
      text = w(p.pausedFor) ? t('mark.paused_for', { what: w(p.pausedFor) }) : t('mark.paused')
      break
    case 'met':
      text = met !== null && from !== null ? t('mark.met_in', { span: length(Math.max(MINUTE, met - from), lang) }) : t('mark.met')
      break
    case 'metlate': {
      const over = met !== null && due !== null ? length(Math.max(MINUTE, met - due), lang) : span(String(p.overrun ?? ''), lang)
      text = over ? t('mark.metlate', { span: over }) : t('mark.metlate_short')
      break
    }
    case 'void':
      text = t('mark.void')
      break
    case 'dropped':
      text = t('mark.dropped')
      break
    default:
      text = t(p.state === 'none' ? 'mark.free' : 'mark.none')
  }
  const instant = kind === 'met' || kind === 'metlate' ? met : due
  const abs = instant === null ? '' : absolute(instant, now, lang, kind !== 'met' && kind !== 'metlate')
  const exact = !abs || kind === 'none' ? '' : kind === 'late' || kind === 'dropped' ? t('mark.was_due', { at: abs }) : kind === 'met' || kind === 'metlate' ? abs : t('mark.before', { at: abs })
  return (
    <span className={`due ${p.exact ?? 'below'}`}>
      <span className={`mark ${kind}`}>
        <i aria-hidden="true" className="sign">{SIGN[kind]}</i>
        <span>{p.label ? `${p.label}${lang === 'zh' ? '' : ': '}` : ''}{text}</span>
      </span>
      {p.exact !== 'none' && exact && (
        <span className="exact">
          {exact}
          {p.working && (kind === 'ample' || kind === 'warning') ? t('mark.working') : ''}
        </span>
      )}
    </span>
  )
}

/** The clocks of a record; each says why it ends when it ends. */
export function Clocks({ clocks, form, id }: { clocks: Clock[]; form: string; id: string }) {
  const { t, lang, w } = useWords()
  const [why, setWhy] = useState<string | null>(null)
  const [all, setAll] = useState(false)
  const order = (c: Clock) => (['open', 'late', 'paused'].includes(c.state) ? 0 : 1)
  const sorted = [...clocks].sort((a, b) => order(a) - order(b) || String(order(a) ? b.met_at ?? '' : a.due ?? '').localeCompare(String(order(a) ? a.met_at ?? '' : b.due ?? '')))
  const running = sorted.filter((c) => order(c) === 0)
  const shown = all ? sorted : running.length ? running : sorted.slice(0, 3)
  return (
    <>
      <ul className="clocks">
        {shown.map((c) => (
          <li key={c.id}>
            <div className="clock-name">
              <b>{w(c.label) || t('limit')}</b>
              {c.within && <span className="soft"> {span(c.within, lang)}</span>} <ClauseChip id={c.clause} />
            </div>
            <div className="clock-mark">
              <Deadline due={c.due} from={c.from} state={c.state} warned={c.warned} metAt={c.met_at} overrun={c.overrun} working={c.working} pausedFor={c.paused_for} />
              {c.due && (
                <button type="button" className="link small" onClick={() => setWhy(`deadline:${c.name}`)}>
                  {t('why')}
                </button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {sorted.length > shown.length && (
        <button type="button" className="link small" onClick={() => setAll(true)}>
          {t('clocks.more', { count: sorted.length - shown.length })}
        </button>
      )}
      {why && <WhyDrawer form={form} id={id} of={why} onClose={() => setWhy(null)} />}
    </>
  )
}
