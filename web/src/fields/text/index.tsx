import { Input } from 'antd'
import { phone } from '../../app/money'
import { words } from '../../app/i18n'
import type { InputProps, Kind, ViewProps } from '../kind'
import { ScanInto } from '../scan'

function TextInput({ field, value, onChange, id, invalid, describedBy, autoFocus }: InputProps) {
  const mode = field.type === 'phone' ? 'tel' : field.type === 'email' ? 'email' : field.type === 'idno' || field.type === 'uscc' ? 'text' : undefined
  const shared = {
    id,
    autoFocus,
    value: value === null || value === undefined ? '' : typeof value === 'object' && 'zh' in value ? String(value.zh) : String(value), // a word in both languages is changed in Chinese
    status: invalid ? ('error' as const) : undefined,
    'aria-invalid': invalid || undefined,
    'aria-describedby': describedBy,
    onChange: (e: { target: { value: string } }) => onChange(e.target.value),
  }
  if (field.type === 'secret') return <Input.Password autoComplete="new-password" {...shared} />
  const box = <Input inputMode={mode} autoComplete="off" className={field.type === 'uscc' || field.type === 'idno' ? 'mono' : undefined} maxLength={2000} {...shared} onBlur={(e) => onChange(tidy(field.type, e.target.value))} />
  return field.scan ? <div className="with-scan">{box}<ScanInto field={field} onCode={(code) => onChange(tidy(field.type, code))} /></div> : box
}

/** The normal form of what was typed, on leaving the box: never while typing. */
function tidy(type: string, s: string): string {
  const t = s.trim()
  if (type === 'phone') return t.replace(/^\+?86[\s-]*(?=1\d)/, '').replace(/^(1\d{2})[\s-]*(\d{4})[\s-]*(\d{4})$/, '$1$2$3')
  if (type === 'uscc' || type === 'idno') return t.replace(/\s/g, '').toUpperCase()
  return t
}

function TextView({ field, value }: ViewProps) {
  const s = typeof value === 'object' ? words(value) : String(value)
  if (field.type === 'phone') return <span className="nowrap num">{phone(s)}</span>
  if (field.type === 'uscc' || field.type === 'idno') return <span className="mono nowrap">{s}</span>
  if (field.type === 'email') return <span className="break">{s}</span>
  return <span className="break">{s}</span>
}

export default { Input: TextInput, View: TextView, column: { min: 80, max: 260 } } satisfies Kind
