import { useWords } from '../../app/i18n'
import { Chips } from '../choice/chips'
import type { InputProps, Kind, ViewProps } from '../kind'

/** Yes and no as two chips: an unanswered question looks unanswered. */
function BoolInput({ value, onChange, id, invalid, describedBy }: InputProps) {
  const { t } = useWords()
  return <Chips id={id} invalid={invalid} describedBy={describedBy} options={[{ id: 'true', label: t('yes') }, { id: 'false', label: t('no') }]} value={value === true ? ['true'] : value === false ? ['false'] : []} onChange={(v) => onChange(v.length ? v[0] === 'true' : null)} />
}
function BoolView({ value }: ViewProps) {
  const { t } = useWords()
  return <span>{value ? t('yes') : t('no')}</span>
}
export default { Input: BoolInput, View: BoolView, column: { min: 56 } } satisfies Kind
