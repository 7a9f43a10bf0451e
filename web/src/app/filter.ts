// Filters as chips; each becomes one condition, and the whole stands in the address.
import type { Field } from '../api/types'

export interface Chip { field: string; op: string; value: string }

const text = ['text', 'note', 'phone', 'email', 'idno', 'uscc', 'place', 'range']
const numbers = ['int', 'decimal', 'quantity', 'percent', 'money']

/** The comparisons a kind of field offers, the most used first. */
export function opsOf(f: Field): string[] {
  if (text.includes(f.type)) return ['has', 'is', 'set', 'unset']
  if (numbers.includes(f.type)) return ['ge', 'le', 'is', 'set', 'unset']
  if (f.type === 'date' || f.type === 'datetime') return ['ge', 'le', 'is', 'set', 'unset']
  if (f.type === 'bool') return ['yes', 'no']
  if (f.type === 'choice') return ['is', 'not', 'set', 'unset']
  if (['ref', 'person', 'unit'].includes(f.type)) return ['is', 'set', 'unset']
  return ['set', 'unset']
}
export const filterable = (f: Field) => !f.class && !['file', 'files', 'refs', 'people', 'secret', 'choices', 'duration', 'period', 'time'].includes(f.type) && !f.type.startsWith('list')

const quote = (s: string) => "'" + s.replace(/\\/g, '\\\\').replace(/'/g, "\\'") + "'"

function literal(f: Field, v: string): string {
  switch (f.type) {
    case 'int': return /^-?\d+$/.test(v) ? v : '0'
    case 'money': return `money(${quote(v)})`
    case 'percent': return `pct(${quote(v)})`
    case 'decimal': case 'quantity': return `dec(${quote(v)})`
    case 'date': case 'datetime': return `date(${quote(v.slice(0, 10))})`
    default: return quote(v)
  }
}

export function cel(chips: Chip[], fields: Field[]): string {
  const out: string[] = []
  for (const c of chips) {
    const f = fields.find((x) => x.id === c.field)
    const name = f?.type === 'datetime' ? `day(this.${c.field})` : `this.${c.field}`
    if (c.field === 'state') {
      out.push(`${name} ${c.op === 'not' ? '!=' : '=='} ${quote(c.value)}`)
      continue
    }
    if (!f) continue
    const ref = ['ref', 'person', 'unit'].includes(f.type)
    switch (c.op) {
      case 'set': out.push(`has(this.${c.field})`); break
      case 'unset': out.push(`!has(this.${c.field})`); break
      case 'yes': out.push(name); break
      case 'no': out.push(`!${name}`); break
      case 'has': out.push(`${name}.contains(${quote(c.value)})`); break
      case 'ge': out.push(`${name} >= ${literal(f, c.value)}`); break
      case 'le': out.push(`${name} <= ${literal(f, c.value)}`); break
      case 'not': out.push(`${name} != ${literal(f, c.value)}`); break
      case 'is': out.push(ref ? `${name}.id == ${quote(c.value)}` : `${name} == ${literal(f, c.value)}`); break
    }
  }
  return out.join(' && ')
}

// in the address: f=field~op~value~label
export const toParam = (c: Chip & { label?: string }) => [c.field, c.op, c.value, c.label ?? ''].map((s) => encodeURIComponent(s).replace(/~/g, '%7E')).join('~')
export function fromParam(s: string): (Chip & { label?: string }) | null {
  const [field, op, value = '', label = ''] = s.split('~').map((x) => { try { return decodeURIComponent(x) } catch { return x } })
  return field && op ? { field, op, value, label } : null
}
