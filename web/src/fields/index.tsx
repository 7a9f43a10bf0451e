// The register of field kinds. A kind nobody knows is shown as text with a notice, never as a blank.
import { useRef, useState } from 'react'
import { EyeOutlined } from '@ant-design/icons'
import { useWords } from '../app/i18n'
import type { Field, Value } from '../api/types'
import { Reveal } from '../elements/reveal'
import bool from './bool'
import choice from './choice'
import date from './date'
import duration from './duration'
import file from './file'
import note from './note'
import number from './number'
import reference from './reference'
import text from './text'
import { erased, masked, missing, type InputProps, type Kind } from './kind'

const kinds: Record<string, Kind> = {
  text, phone: text, email: text, idno: text, uscc: text, range: text, place: text, secret: text,
  note,
  int: number, decimal: number, quantity: number, percent: number, money: number,
  bool,
  choice, choices: choice,
  date, datetime: date, time: date, period: date,
  duration,
  ref: reference, refs: reference, person: reference, people: reference, unit: reference,
  file, files: file,
}

export function kindOf(field: Field): Kind {
  return kinds[field.type] ?? (field.form || field.type.startsWith('list') || field.type.includes('.') ? reference : text)
}

/** A value to write. What the writer may not read stays as it is, unless he writes another in its place. */
export function FieldInput(p: InputProps) {
  const { t } = useWords()
  const { Input } = kindOf(p.field)
  const shut = useRef(masked(p.value) === null ? undefined : p.value)
  if (masked(p.value) !== null)
    return (
      <span className="shut">
        <output id={p.id}><FieldView field={p.field} value={p.value} dense /></output>{' '}
        {!erased(p.value) && <button type="button" className="link" onClick={() => p.onChange(null)}>{t('field.rewrite')}</button>}
      </span>
    )
  return (
    <>
      <Input {...p} />
      {shut.current !== undefined && <button type="button" className="link" onClick={() => p.onChange(shut.current as Value)}>{t('field.keep')}</button>}
    </>
  )
}

/** A value as people read it; a masked one may be asked for where a record is given, which is where its class reveals anything. */
export function FieldView({ field, value, dense, record }: { field: Field; value: Value; dense?: boolean; record?: { form: string; id: string } }) {
  const { t } = useWords()
  const [asking, setAsking] = useState(false)
  if (missing(value)) return <span className="soft" aria-label={t('no_value')}>—</span>
  if (erased(value)) return <span className="soft">{t('personal.erased')}</span>
  const mask = masked(value)
  if (mask !== null) {
    return (
      <span className="nowrap">
        {mask || '***'}
        {record && (
          <button type="button" className="link reveal" onClick={() => setAsking(true)}>
            <EyeOutlined aria-hidden /> {t('reveal.look')}
          </button>
        )}
        {asking && record && <Reveal record={record} field={field} onClose={() => setAsking(false)} />}
      </span>
    )
  }
  const { View } = kindOf(field)
  return <View field={field} value={value} dense={dense} />
}
export * from './kind'
