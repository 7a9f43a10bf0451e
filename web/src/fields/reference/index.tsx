// A reference to another record, a person or a unit: found by characters, pinyin, initials, number.
import { Select } from 'antd'
import { useDeferredValue, useState } from 'react'
import { Link } from 'react-router'
import { keepPreviousData } from '@tanstack/react-query'
import { useWords } from '../../app/i18n'
import { useGet } from '../../api/query'
import type { Option, Ref } from '../../api/types'
import { idOf, type InputProps, type Kind, type ViewProps } from '../kind'

const manyOf = (type: string) => type === 'refs' || type === 'people' || type.startsWith('list')

function ReferenceInput({ form, field, value, onChange, id, invalid, describedBy, record, autoFocus }: InputProps) {
  const { w, t } = useWords()
  const [typed, setTyped] = useState('')
  const [opened, setOpened] = useState(false)
  const q = useDeferredValue(typed)
  const many = manyOf(field.type)
  const found = useGet<Option[]>(opened || typed ? `/api/form/${form}/options` : null, { field: field.id, line: field.line ?? undefined, q, record }, { placeholderData: keepPreviousData })
  const chosen = (Array.isArray(value) ? value : value ? [value] : []) as Ref[]
  const options = (found.data ?? []).map((o) => ({ value: o.id, label: w(o.label), sub: w(o.sub) }))
  for (const c of chosen) if (idOf(c) && !options.some((o) => o.value === idOf(c))) options.unshift({ value: idOf(c), label: w(c.label ?? c), sub: '' })
  const take = (v: string) => {
    const o = options.find((x) => x.value === v)
    return { id: v, label: o?.label ?? v, form: field.form }
  }
  return (
    <Select
      id={id}
      autoFocus={autoFocus}
      mode={many ? 'multiple' : undefined}
      showSearch={{ filterOption: false, onSearch: setTyped }}
      allowClear
      placeholder={t('choose_pinyin')}
      status={invalid ? 'error' : undefined}
      aria-describedby={describedBy}
      style={{ width: '100%' }}
      notFoundContent={found.isFetching ? t('searching') : t('nothing_found')}
      value={many ? chosen.map(idOf) : chosen.length ? idOf(chosen[0]) : undefined}
      options={options}
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
