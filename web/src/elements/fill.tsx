// Fields to fill: label above, required first, what is optional says so, a problem stands at its field.
import { useMemo, useState, type ReactNode } from 'react'
import { useWords } from '../app/i18n'
import type { Field, Form, Problem, Text, Values } from '../api/types'
import { FieldInput, kindOf, missing } from '../fields'
import { ClauseChip } from './clause'
import { LineFill } from './line-fill'
import type { Change, Draft, Rows } from './draft'

/** later: needed to send the record on, not to keep it */
export interface Ask { field: Field; required: boolean; later?: boolean; clause?: string; label?: Text }

interface Props {
  form: string
  record?: string
  prefix: string
  asks: Ask[]
  lines: Form['lines']
  draft: Draft
  onChange: (c: Change) => void
  problem?: Problem | null
  autoFocus?: boolean
  foldOptional?: boolean
  sections?: Form['sections'] // where more than FEW fields are optional they stand under these
  children?: ReactNode
}

/** How many fields are read at one look. */
export const FEW = 8

export function Fill({ form, record, prefix, asks, lines, draft, onChange, problem, autoFocus, foldOptional = true, sections, children }: Props) {
  const { t, w } = useWords()
  const optional = asks.filter((a) => !a.required && !a.later)
  const required = asks.filter((a) => a.required || a.later)
  const told = useMemo(() => draft.values, [problem]) // what was filled in when the answer came: what has changed since is no longer what it speaks of
  const wrong = (id: string) => (draft.values[id] === told[id] ? problem?.items?.find((i) => i.field === id) : undefined)
  const filled = (a: Ask) => !missing(draft.values[a.field.id]) && draft.values[a.field.id] !== false
  const groups = sections?.length && optional.length > FEW ? bySection(sections, optional) : []
  const must = foldOptional && required.length ? optional.some((a) => wrong(a.field.id) || filled(a)) : true
  const [open, setOpen] = useState(false)
  const put = (id: string, v: unknown) => onChange((d) => ({ values: { ...d.values, [id]: v } }))
  const item = (a: Ask, i: number) => {
    const f = a.field
    const id = `${prefix}-${f.id}`
    const bad = wrong(f.id)
    const hint = w(f.hint)
    return (
      <div key={f.id} className={`item ${kindOf(f).wide ? 'wide' : ''}`}>
        <label id={`${id}-label`} htmlFor={id}>
          {w(a.label) || w(f.label)} {!a.required && !a.later && <small className="soft">{t('optional')}</small>}
        </label>{' '}
        <ClauseChip id={a.clause ?? f.clause} bare />
        <FieldInput id={id} form={form} record={record} field={f} value={draft.values[f.id]} all={draft.values} onChange={(v) => put(f.id, v)} invalid={!!bad} describedBy={bad || hint ? `${id}-help` : undefined} autoFocus={autoFocus && i === 0} />
        {(bad || hint) && (
          <div id={`${id}-help`}>
            {bad && <div className="bad">{w(bad.say)}</div>}
            {hint && <div className="hint">{hint}</div>}
          </div>
        )}
      </div>
    )
  }
  return (
    <>
      <div className="fill">
        {(groups.length || !(must || open) ? required : [...required, ...optional]).map(item)}
        {lines.map((l) => <LineFill key={l.id} form={form} record={record} prefix={prefix} line={l} rows={draft.lines[l.id] ?? []} problem={problem} onChange={(rows) => onChange((d) => ({ lines: { ...d.lines, [l.id]: rows(d.lines[l.id] ?? []) } }))} />)}
        {children}
      </div>
      {groups.map((g) => (
        <details className="fold-plain" key={g.id} open={!foldOptional || g.asks.some((a) => filled(a) || wrong(a.field.id)) || undefined}>
          <summary>{w(g.label) || t('fill.others')} <span className="soft small">{t('fill.optional_n', { count: g.asks.length })}</span></summary>
          <div className="fill">{g.asks.map((a, i) => item(a, required.length + i))}</div>
        </details>
      ))}
      {!groups.length && !must && !open && optional.length > 0 && (
        <button type="button" className="link more" onClick={() => setOpen(true)}>
          {t('fill.more', { count: optional.length })}
        </button>
      )}
    </>
  )
}

/** Fields by the section of the form they stand in, in its order; what stands in none comes last. */
export function bySection(sections: Form['sections'], asks: Ask[]) {
  const groups: { id: string; label?: Text; asks: Ask[] }[] = sections.map((s) => ({ id: s.id, label: s.label, asks: asks.filter((a) => s.fields.includes(a.field.id)) }))
  groups.push({ id: 'rest', asks: asks.filter((a) => !sections.some((s) => s.fields.includes(a.field.id))) })
  return groups.filter((g) => g.asks.length)
}

const flat = (v: unknown): unknown => {
  if (Array.isArray(v)) return v.map(flat)
  if (v && typeof v === 'object' && 'id' in v) return (v as { id: string }).id
  return v
}

/** What goes to the server: references as ids, nothing that was not asked, a cleared value as null. */
export function sendable(asks: Ask[], lines: Form['lines'], draft: Draft, before: Values = {}): { values: Values; lines: Rows } {
  const values: Values = {}
  for (const { field: f } of asks) {
    const v = draft.values[f.id]
    if (v && typeof v === 'object' && 'masked' in v) continue
    if (missing(v)) {
      if (!missing(before[f.id])) values[f.id] = null
    } else values[f.id] = flat(v)
  }
  const out: Rows = {}
  for (const l of lines) {
    const rows = draft.lines[l.id]
    if (!rows) continue
    out[l.id] = rows
      .map((r) => Object.fromEntries(Object.entries(r).filter(([k, v]) => !missing(v) && !(v && typeof v === 'object' && 'masked' in v) && (k === 'id' || l.fields.some((f) => f.id === k && !f.computed))).map(([k, v]) => [k, flat(v)])))
      .filter((r) => Object.keys(r).some((k) => k !== 'id'))
  }
  return { values, lines: out }
}

export function focusField(prefix: string, field: string) {
  const el = document.getElementById(`${prefix}-${field}`)
  if (!el) return
  for (let d = el.closest('details'); d; d = d.parentElement?.closest('details') ?? null) d.open = true
  el.scrollIntoView({ block: 'center' })
  const target = el.matches('input,textarea,button') ? el : el.querySelector<HTMLElement>('input,textarea,button,[tabindex]')
  ;(target ?? el).focus()
}
