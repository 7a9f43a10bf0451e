import { Select } from 'antd'
import { useWords } from '../../app/i18n'
import { idOf, type InputProps, type Kind, type ViewProps } from '../kind'
import { Chips } from './chips'

function ChoiceInput({ field, value, onChange, id, invalid, describedBy }: InputProps) {
  const { w, t } = useWords()
  const many = field.type === 'choices'
  const options = (field.options ?? []).map((o) => ({ id: o.id, label: w(o.label) }))
  const chosen = (many ? ((value as unknown[] | null) ?? []) : value === null || value === undefined || value === '' ? [] : [value]).map(idOf)
  const long = options.reduce((n, o) => n + o.label.length, 0) > 40
  if (options.length <= 4 && !(long && options.length > 3)) return <Chips id={id} many={many} invalid={invalid} describedBy={describedBy} options={options} value={chosen} onChange={(v) => onChange(many ? v : (v[0] ?? null))} />
  return (
    <Select
      id={id}
      mode={many ? 'multiple' : undefined}
      showSearch={options.length > 7 || many ? { optionFilterProp: 'label' } : false}
      allowClear
      placeholder={t('choose')}
      status={invalid ? 'error' : undefined}
      aria-describedby={describedBy}
      style={{ width: '100%' }}
      value={many ? chosen : (chosen[0] ?? undefined)}
      options={options.map((o) => ({ value: o.id, label: o.label }))}
      onChange={(v: string | string[] | undefined) => onChange(v ?? null)}
    />
  )
}
function ChoiceView({ field, value }: ViewProps) {
  const { w, lang } = useWords()
  const name = (v: unknown) => w(field.options?.find((o) => o.id === idOf(v))?.label) || w(v) || idOf(v)
  return <span>{Array.isArray(value) ? value.map(name).join(lang === 'zh' ? '、' : ', ') : name(value)}</span>
}
export default { Input: ChoiceInput, View: ChoiceView, column: { min: 72, max: 200 } } satisfies Kind
