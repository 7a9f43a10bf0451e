import { lazy, Suspense } from 'react'
import { Input } from 'antd'
import { serverNow } from '../../app/clock'
import { useWords } from '../../app/i18n'
import { absolute, isoDate, parse } from '../../app/time'
import { idOf, type InputProps, type Kind, type ViewProps } from '../kind'

// the calendar is heavy: it comes when a form asks for a date
const Picker = lazy(() => import('./picker'))

function DateInput(p: InputProps) {
  const { w } = useWords()
  return (
    <Suspense fallback={<Input disabled aria-busy aria-label={w(p.field.label)} value={idOf(p.value)} />}>
      <Picker {...p} />
    </Suspense>
  )
}
function DateView({ field, value }: ViewProps) {
  const { lang } = useWords()
  const s = idOf(value)
  if (field.type === 'period' && value && typeof value === 'object') {
    const o = value as { from?: string; to?: string; start?: string; end?: string }
    return <span className="num">{[o.from ?? o.start, o.to ?? o.end].filter(Boolean).join(' ~ ')}</span>
  }
  if (field.type === 'time' || field.type === 'period') return <span className="num nowrap">{s}</span>
  const at = parse(s)
  if (at === null) return <span className="num">{s}</span>
  return <span className="num nowrap">{field.type === 'date' ? (/^\d{4}-\d{2}-\d{2}$/.test(s) ? s : isoDate(at)) : absolute(at, serverNow(), lang)}</span>
}
export default { Input: DateInput, View: DateView, column: { min: 96 } } satisfies Kind
