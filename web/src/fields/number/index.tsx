// Whole numbers, decimals, quantities, percentages and money: strings all the way, never a float.
import { Input } from 'antd'
import { useEffect, useState } from 'react'
import { capitals, money, number, tidyNumber } from '../../app/money'
import { language } from '../../app/i18n'
import { idOf, type InputProps, type Kind, type ViewProps } from '../kind'

function NumberInput({ field, value, onChange, id, invalid, describedBy, autoFocus }: InputProps) {
  const given = field.type === 'quantity' || field.type === 'percent' ? trim(idOf(value)) : idOf(value)
  const [text, setText] = useState(given)
  const [here, setHere] = useState(false)
  useEffect(() => {
    if (!here) setText(given)
  }, [given, here])
  const shown = here ? text : /^-?\d+(\.\d+)?$/.test(text) ? number(text, field.type === 'money' ? 2 : undefined).replace('−', '-') : text
  return (
    <>
      <Input
        id={id}
        autoFocus={autoFocus}
        inputMode={field.type === 'int' ? 'numeric' : 'decimal'}
        autoComplete="off"
        prefix={field.type === 'money' ? '¥' : undefined}
        suffix={field.type === 'percent' ? '%' : undefined}
        placeholder={field.min != null && field.max != null ? `${number(String(field.min))} – ${number(String(field.max))}` : undefined}
        value={shown}
        status={invalid ? 'error' : undefined}
        aria-invalid={invalid || undefined}
        aria-describedby={describedBy}
        onFocus={() => setHere(true)}
        onChange={(e) => {
          setText(e.target.value)
          onChange(read(field.type, e.target.value))
        }}
        onBlur={(e) => {
          setHere(false)
          const v = read(field.type, e.target.value)
          setText(v === null ? '' : String(v))
          onChange(v)
        }}
      />
      {field.type === 'money' && language() === 'zh' && /^\d+(\.\d{1,2})?$/.test(given) && Number(given) > 0 && <div className="hint">{capitals(given)}</div>}
    </>
  )
}

function read(type: string, typed: string): string | number | null {
  const s = tidyNumber(typed).replace(/%$/, '')
  if (s === '') return null
  if (type === 'int' && /^-?\d+$/.test(s)) return Number(s)
  return s.replace(/^(-?)\./, '$10.').replace(/\.$/, '')
}

function NumberView({ field, value }: ViewProps) {
  const s = idOf(value)
  switch (field.type) {
    case 'money': return <span className="num nowrap">{money(s)}</span>
    case 'percent': return <span className="num nowrap">{number(trim(s))}%</span>
    case 'quantity': return <span className="num nowrap">{number(trim(s))}</span>
    default: return <span className="num nowrap">{number(s)}</span>
  }
}
// a quantity keeps its digits on the server; on the screen 85.000 is 85
const trim = (s: string) => (s.includes('.') ? s.replace(/\.?0+$/, '') : s)

export default { Input: NumberInput, View: NumberView, column: { align: 'right', min: 80 } } satisfies Kind
