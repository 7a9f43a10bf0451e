import { Checkbox, DatePicker, Input, InputNumber, Select } from 'antd'
import dayjs from 'dayjs'
import { useState } from 'react'
import { useText } from '../app/lang'
import { money } from '../app/money'
import { absolute, parse, span } from '../app/time'
import { serverNow } from '../app/clock'
import { useGet } from '../api/query'
import { call } from '../api/client'
import type { Field, FileValue, Option, Value } from '../api/types'

const one = (v: Value): string => {
  if (v && typeof v === 'object' && 'id' in v) return String((v as { id: string }).id)
  return v === null || v === undefined ? '' : String(v)
}

/** A value as people read it. */
export function View({ field, value }: { field: Field; value: Value }) {
  const { t, l, lang } = useText()
  if (value === null || value === undefined || value === '') return <span className="none">—</span>
  if (typeof value === 'object' && 'masked' in (value as object)) return <span>{String((value as { masked: string }).masked)}</span>
  if (Array.isArray(value)) return <span>{value.map((v) => l(v) || one(v)).join('、') || '—'}</span>
  switch (field.type) {
    case 'bool': return <span>{value ? t('yes') : t('no')}</span>
    case 'money': return <span className="num">¥{money(one(value))}</span>
    case 'choice': return <span>{l(field.options?.find((o) => o.id === value)?.label) || one(value)}</span>
    case 'datetime': { const at = parse(one(value)); return <span>{at === null ? one(value) : absolute(at, serverNow(), lang)}</span> }
    case 'duration': return <span>{span(one(value), lang)}</span>
    case 'percent': return <span className="num">{one(value)}%</span>
  }
  if (typeof value === 'object') return <span>{l((value as { label?: unknown }).label ?? value)}</span>
  return <span className="text">{String(value)}</span>
}

function Reference({ form, field, value, onChange, many }: { form: string; field: Field; value: Value; onChange: (v: Value) => void; many?: boolean }) {
  const { l } = useText()
  const [q, setQ] = useState('')
  const options = useGet<Option[]>(`/api/form/${form}/options`, { field: field.id, line: field.line ?? undefined, q })
  const known = (Array.isArray(value) ? value : value ? [value] : []) as { id?: string; label?: unknown }[]
  const list = [...(options.data ?? []).map((o) => ({ value: o.id, label: l(o.label) + (o.sub ? `　${l(o.sub)}` : '') }))]
  for (const k of known) if (k?.id && !list.some((o) => o.value === k.id)) list.push({ value: k.id, label: l(k.label ?? k) })
  return (
    <Select aria-label={l(field.label)} mode={many ? 'multiple' : undefined} showSearch={{ filterOption: false, onSearch: setQ }} allowClear
      value={many ? (value as Value[] ?? []).map(one) : one(value) || undefined} options={list} onChange={(v) => onChange(v ?? null)} style={{ width: '100%' }} />
  )
}

/** A field to fill in, by its kind. */
export function Entry({ form, field, value, onChange }: { form: string; field: Field; value: Value; onChange: (v: Value) => void }) {
  const { l } = useText()
  const label = l(field.label)
  switch (field.type) {
    case 'bool': return <Checkbox checked={!!value} onChange={(e) => onChange(e.target.checked)}>{label}</Checkbox>
    case 'int': case 'decimal': case 'quantity': case 'percent': case 'money':
      return <InputNumber aria-label={label} stringMode style={{ width: '100%' }} value={one(value) || null} suffix={field.type === 'percent' ? '%' : undefined} prefix={field.type === 'money' ? '¥' : undefined}
        onChange={(v) => onChange(v === null || v === undefined ? null : field.type === 'int' ? Number(v) : String(v))} />
    case 'choice': return <Select aria-label={label} allowClear value={one(value) || undefined} options={(field.options ?? []).map((o) => ({ value: o.id, label: l(o.label) }))} onChange={(v) => onChange(v ?? null)} style={{ width: '100%' }} />
    case 'date': return <DatePicker aria-label={label} style={{ width: '100%' }} value={value ? dayjs(one(value)) : null} onChange={(d) => onChange(d ? d.format('YYYY-MM-DD') : null)} />
    case 'datetime': return <DatePicker aria-label={label} showTime={{ format: 'HH:mm' }} format="YYYY-MM-DD HH:mm" style={{ width: '100%' }} value={value ? dayjs(one(value)) : null} onChange={(d) => onChange(d ? d.toISOString() : null)} />
    case 'note': return <Input.TextArea aria-label={label} autoSize={{ minRows: 2, maxRows: 8 }} value={one(value)} onChange={(e) => onChange(e.target.value)} />
    case 'file': case 'files': return <Files label={label} value={value} many={field.type === 'files'} onChange={onChange} />
    case 'refs': case 'people': return <Reference form={form} field={field} value={value} onChange={onChange} many />
  }
  if (field.type.startsWith('list')) return <Reference form={form} field={field} value={value} onChange={onChange} many />
  if (field.form || ['ref', 'person', 'unit'].includes(field.type)) return <Reference form={form} field={field} value={value} onChange={onChange} />
  return <Input aria-label={label} value={one(value)} inputMode={field.type === 'phone' ? 'tel' : undefined} onChange={(e) => onChange(e.target.value)} />
}

function Files({ label, value, many, onChange }: { label: string; value: Value; many: boolean; onChange: (v: Value) => void }) {
  const have = (Array.isArray(value) ? value : value ? [value] : []) as FileValue[]
  return (
    <div>
      <input type="file" aria-label={label} multiple={many} onChange={async (e) => {
        const out = many ? [...have] : []
        for (const f of Array.from(e.target.files ?? [])) {
          const body = new FormData()
          body.append('file', f)
          out.push(await call<FileValue>('POST', '/api/file', { body }))
        }
        onChange(many ? out : out[0])
      }} />
      {have.map((f) => <div key={f.id}>{f.name}</div>)}
    </div>
  )
}
