// Fields to fill: label above, required first, what is optional says so, a problem stands at its field.
import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useState, type ReactNode } from 'react'
import { useWords } from '../app/i18n'
import type { Field, Form, Problem, Text, Values } from '../api/types'
import { FieldInput, kindOf, missing } from '../fields'
import { ClauseChip } from './clause'
import type { Draft, Rows } from './draft'

export interface Ask { field: Field; required: boolean; clause?: string; label?: Text }

interface Props {
  form: string
  record?: string
  prefix: string
  asks: Ask[]
  lines: Form['lines']
  draft: Draft
  onChange: (d: Partial<Draft>) => void
  problem?: Problem | null
  autoFocus?: boolean
  foldOptional?: boolean
  children?: ReactNode
}

export function Fill({ form, record, prefix, asks, lines, draft, onChange, problem, autoFocus, foldOptional = true, children }: Props) {
  const { t, w } = useWords()
  const optional = asks.filter((a) => !a.required)
  const required = asks.filter((a) => a.required)
  const wrong = (id: string) => problem?.items?.find((i) => i.field === id)
  const must = foldOptional && required.length ? optional.some((a) => wrong(a.field.id) || (!missing(draft.values[a.field.id]) && draft.values[a.field.id] !== false)) : true
  const [open, setOpen] = useState(false)
  const shown = must || open ? asks : required
  const put = (id: string, v: unknown) => onChange({ values: { ...draft.values, [id]: v } })
  return (
    <>
      <div className="fill">
        {(must || open ? [...required, ...optional] : shown).map((a, i) => {
          const f = a.field
          const id = `${prefix}-${f.id}`
          const bad = wrong(f.id)
          const hint = w(f.hint)
          return (
            <div key={f.id} className={`item ${kindOf(f).wide ? 'wide' : ''}`}>
              <label id={`${id}-label`} htmlFor={id}>
                {w(a.label) || w(f.label)} {!a.required && <small className="soft">{t('optional')}</small>}
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
        })}
        {lines.map((l) => <LineFill key={l.id} form={form} record={record} prefix={prefix} line={l} rows={draft.lines[l.id] ?? []} problem={problem} onChange={(rows) => onChange({ lines: { ...draft.lines, [l.id]: rows } as Rows })} />)}
        {children}
      </div>
      {!must && !open && optional.length > 0 && (
        <button type="button" className="link more" onClick={() => setOpen(true)}>
          {t('fill.more', { count: optional.length })}
        </button>
      )}
    </>
  )
}

function LineFill({ form, record, prefix, line, rows, onChange, problem }: { form: string; record?: string; prefix: string; line: Form['lines'][0]; rows: Values[]; onChange: (r: Values[]) => void; problem?: Problem | null }) {
  const { t, w } = useWords()
  const fields = line.fields.filter((f) => !f.computed)
  const bad = problem?.items?.find((i) => i.field === line.id)
  // rows pasted from a spreadsheet: one line a row, tabs between the columns
  const paste = (e: React.ClipboardEvent) => {
    const s = e.clipboardData.getData('text/plain')
    if (!s.includes('\t')) return
    e.preventDefault()
    const more = s.trim().split(/\r?\n/).map((r) => Object.fromEntries(r.split('\t').slice(0, fields.length).map((c, i) => [fields[i].id, c.trim()])))
    onChange([...rows.filter((r) => Object.values(r).some((v) => !missing(v))), ...more])
  }
  return (
    <fieldset className="lines wide" onPaste={paste} id={`${prefix}-${line.id}`} tabIndex={-1}>
      <legend>{w(line.label)}</legend>
      {bad && <div className="bad">{w(bad.say)}</div>}
      {rows.map((row, i) => (
        <div className="line" key={i} role="group" aria-label={t('line.n', { n: i + 1 })}>
          <div className="fill">
            {fields.map((f) => {
              const id = `${prefix}-${line.id}-${i}-${f.id}`
              return (
                <div key={f.id} className={`item ${kindOf(f).wide ? 'wide' : ''}`}>
                  <label id={`${id}-label`} htmlFor={id}>{w(f.label)} {!f.required && <small className="soft">{t('optional')}</small>}</label>
                  <FieldInput id={id} form={form} record={record} field={{ ...f, line: line.id }} value={row[f.id]} onChange={(v) => onChange(rows.map((r, k) => (k === i ? { ...r, [f.id]: v } : r)))} />
                </div>
              )
            })}
          </div>
          <Button type="text" icon={<DeleteOutlined />} aria-label={t('line.remove', { n: i + 1 })} onClick={() => onChange(rows.filter((_, k) => k !== i))} />
        </div>
      ))}
      <Button icon={<PlusOutlined />} onClick={() => onChange([...rows, {}])}>{t('line.add', { what: w(line.label) })}</Button>
    </fieldset>
  )
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
      .map((r) => Object.fromEntries(Object.entries(r).filter(([k, v]) => !missing(v) && (k === 'id' || l.fields.some((f) => f.id === k && !f.computed))).map(([k, v]) => [k, flat(v)])))
      .filter((r) => Object.keys(r).some((k) => k !== 'id'))
  }
  return { values, lines: out }
}

export function focusField(prefix: string, field: string) {
  const el = document.getElementById(`${prefix}-${field}`)
  if (!el) return
  el.scrollIntoView({ block: 'center' })
  const target = el.matches('input,textarea,button') ? el : el.querySelector<HTMLElement>('input,textarea,button,[tabindex]')
  ;(target ?? el).focus()
}
