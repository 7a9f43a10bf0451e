// A reference to another record, a person or a unit: found by characters, pinyin, initials, number.
import { Select } from 'antd'
import { useDeferredValue, useState } from 'react'
import { Link } from 'react-router'
import { keepPreviousData } from '@tanstack/react-query'
import { useWords } from '../../app/i18n'
import { get } from '../../api/client'
import { recordPath, useGet } from '../../api/query'
import type { Option, Rec, Ref, Scanned, Values } from '../../api/types'
import { recordIn } from '../../app/codes'
import { idOf, type InputProps, type Kind, type ViewProps } from '../kind'
import { ScanInto } from '../scan'

const manyOf = (type: string) => type === 'refs' || type === 'people' || type.startsWith('list')

interface Choice { value?: string; label: string; sub?: string; fits?: boolean; options?: Choice[] }

/** What other fields hold already, as the server reads it: it puts first what agrees. */
const besideOf = (all: Values | undefined, own: string) =>
  Object.entries(all ?? {})
    .filter(([name, v]) => name !== own && !!v && typeof v === 'object' && !Array.isArray(v) && 'form' in v && idOf(v))
    .map(([name, v]) => `${name}:${idOf(v)}`)
    .join(',')

function ReferenceInput({ form, field, value, onChange, id, invalid, describedBy, record, all, autoFocus }: InputProps) {
  const { w, t } = useWords()
  const [typed, setTyped] = useState('')
  const [opened, setOpened] = useState(false)
  const q = useDeferredValue(typed)
  const many = manyOf(field.type)
  const found = useGet<Option[]>(opened || typed ? `/api/form/${form}/options` : null, { field: field.id, line: field.line ?? undefined, q, record, beside: besideOf(all, field.id) }, { placeholderData: keepPreviousData })
  const chosen = (Array.isArray(value) ? value : value ? [value] : []) as Ref[]
  const options: Choice[] = (found.data ?? []).map((o) => ({ value: o.id, label: w(o.label), sub: w(o.sub), fits: o.fits }))
  for (const c of chosen) if (idOf(c) && !options.some((o) => o.value === idOf(c))) options.unshift({ value: idOf(c), label: w(c.label ?? c), sub: '', fits: options[0]?.fits })
  const fitting = options.filter((o) => o.fits)
  const groups: Choice[] = fitting.length ? [{ label: t('options_fit'), options: fitting }, { label: t('options_other'), options: options.filter((o) => !o.fits) }].filter((g) => g.options.length) : options
  const take = (v: string) => {
    const o = options.find((x) => x.value === v)
    return { id: v, label: o?.label ?? v, form: field.form }
  }
  const add = (one: Ref) => onChange(many ? [...chosen.filter((c) => idOf(c) !== one.id), one] : one)
  /** A number or check code of the record itself, else what the search finds: one is taken, of several one chooses. */
  const scanned = async (code: string) => {
    const address = recordIn(code)
    const hits = address ? await get<Rec>(recordPath(address.form, address.id)).then((r) => [r], () => []) : await get<Scanned[]>('/api/scan', { code }).catch(() => [])
    const hit = hits.filter((h) => h.form === field.form)
    if (hit.length === 1) return add({ id: hit[0].id, label: [hit[0].number, hit[0].title].filter(Boolean).join(' '), form: field.form })
    const options = await get<Option[]>(`/api/form/${form}/options`, { field: field.id, line: field.line ?? undefined, q: code, record }).catch(() => [])
    if (options.length === 1) return add({ id: options[0].id, label: options[0].label, form: field.form })
    setTyped(code)
    setOpened(true)
  }
  const box = (
    <Select
      id={id}
      autoFocus={autoFocus}
      mode={many ? 'multiple' : undefined}
      showSearch={{ filterOption: false, searchValue: typed, onSearch: setTyped }}
      open={opened}
      allowClear
      placeholder={t('choose_pinyin')}
      status={invalid ? 'error' : undefined}
      aria-describedby={describedBy}
      style={{ width: '100%' }}
      notFoundContent={found.isFetching ? t('searching') : t('nothing_found')}
      value={many ? chosen.map(idOf) : chosen.length ? idOf(chosen[0]) : undefined}
      options={groups}
      optionRender={(o) => (
        <div className="option">
          <span>{o.data.label}</span>
          {o.data.sub && <small>{o.data.sub}</small>}
        </div>
      )}
      onOpenChange={setOpened}
      onChange={(v: string | string[] | undefined) => {
        setTyped('')
        if (many) onChange(((v as string[]) ?? []).map((x) => chosen.find((c) => idOf(c) === x) ?? take(x)))
        else onChange(v ? take(v as string) : null)
      }}
    />
  )
  return field.scan ? <div className="with-scan">{box}<ScanInto field={field} onCode={(code) => void scanned(code)} /></div> : box
}

function One({ value, field, dense }: { value: unknown; field: ViewProps['field']; dense?: boolean }) {
  const { w, t } = useWords()
  const o = value as Ref
  const label = w(o?.label ?? o?.name ?? value) || t('unnamed')
  const form = o?.form ?? field.form
  if (dense || !o?.id || !form || form === 'base.person' || form === 'base.unit') return <span>{label}</span>
  return <Link to={`/record/${form}/${o.id}`}>{label}</Link>
}
function ReferenceView({ value, field, dense }: ViewProps) {
  const list = Array.isArray(value) ? value : [value]
  return (
    <span className="refs">
      {list.map((v, i) => (
        <span key={i}>
          {i > 0 && '、'}
          <One value={v} field={field} dense={dense} />
        </span>
      ))}
    </span>
  )
}
export default { Input: ReferenceInput, View: ReferenceView, column: { min: 96, max: 240 } } satisfies Kind
