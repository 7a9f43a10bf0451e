import { DatePicker, Input, TimePicker } from 'antd'
import dayjs from 'dayjs'
import { useWords } from '../../app/i18n'
import { serverNow } from '../../app/clock'
import { dataTime, fromWall, parse } from '../../app/time'
import { idOf, type InputProps } from '../kind'

/** The picker shows the company's wall clock whatever the device's zone: the value is carried as wall-clock text. */
const wall = (s: string) => {
  const at = parse(s)
  return at === null ? null : dayjs(dataTime(at))
}
const instant = (d: dayjs.Dayjs) => new Date(fromWall(d.format('YYYY-MM-DDTHH:mm:00'))).toISOString()

export default function Picker({ field, value, onChange, id, invalid, describedBy, autoFocus }: InputProps) {
  const { t } = useWords()
  const s = idOf(value)
  const shared = { id, autoFocus, style: { width: '100%' }, status: invalid ? ('error' as const) : undefined, 'aria-describedby': describedBy }
  if (field.type === 'time') return <TimePicker {...shared} format="HH:mm" value={s ? dayjs('2000-01-01T' + s) : null} onChange={(d) => onChange(d ? d.format('HH:mm') : null)} />
  if (field.type === 'period') return <Input {...shared} placeholder="2026-03-01 ~ 2026-03-31" value={s} onChange={(e) => onChange(e.target.value)} />
  const today = dayjs(dataTime(serverNow()))
  if (field.type === 'datetime')
    return (
      <DatePicker {...shared} needConfirm={false} showTime={{ format: 'HH:mm', defaultOpenValue: today }} format={['YYYY-MM-DD HH:mm', 'YYYY/M/D HH:mm', 'YYYYMMDD HH:mm']} defaultPickerValue={today} placeholder={t('date.datetime')} value={s ? wall(s) : null}
        showNow={false} renderExtraFooter={() => <button type="button" className="link" onClick={() => onChange(instant(today))}>{t('date.now')}</button>} onChange={(d) => onChange(d ? instant(d) : null)} />
    )
  return (
    <DatePicker {...shared} format={['YYYY-MM-DD', 'YYYY/M/D', 'YYYYMMDD', 'YYYY.M.D']} defaultPickerValue={today} placeholder={t('date.date')} value={s ? dayjs(s.slice(0, 10)) : null}
      showNow={false} renderExtraFooter={() => <button type="button" className="link" onClick={() => onChange(today.format('YYYY-MM-DD'))}>{t('date.today')}</button>} onChange={(d) => onChange(d ? d.format('YYYY-MM-DD') : null)} />
  )
}
