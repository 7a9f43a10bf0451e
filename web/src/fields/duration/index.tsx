import { Input, Select, Space } from 'antd'
import { useWords } from '../../app/i18n'
import { span } from '../../app/time'
import { idOf, type InputProps, type Kind, type ViewProps } from '../kind'

const UNITS = ['d', 'wd', 'h', 'wh', 'm', 'wm', 'w', 'mo', 'y']

function DurationInput({ value, onChange, id, invalid }: InputProps) {
  const { t } = useWords()
  const m = /^(\d*)(wd|wh|wm|mo|d|h|m|w|y)?$/.exec(idOf(value))
  const n = m?.[1] ?? ''
  const u = m?.[2] ?? 'd'
  return (
    <Space.Compact block>
      <Input id={id} inputMode="numeric" status={invalid ? 'error' : undefined} value={n} onChange={(e) => onChange(e.target.value.replace(/\D/g, '') ? e.target.value.replace(/\D/g, '') + u : null)} />
      <Select aria-label={t('unit')} style={{ width: 160 }} value={u} options={UNITS.map((x) => ({ value: x, label: t(`span.${x}`) }))} onChange={(x: string) => onChange(n ? n + x : null)} />
    </Space.Compact>
  )
}
function DurationView({ value }: ViewProps) {
  const { lang } = useWords()
  return <span className="nowrap">{span(idOf(value), lang)}</span>
}
export default { Input: DurationInput, View: DurationView, column: { min: 80 } } satisfies Kind
