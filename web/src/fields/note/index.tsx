import { Input } from 'antd'
import { words } from '../../app/i18n'
import type { InputProps, Kind, ViewProps } from '../kind'

function NoteInput({ value, onChange, id, invalid, describedBy, autoFocus }: InputProps) {
  return (
    <Input.TextArea id={id} autoFocus={autoFocus} autoSize={{ minRows: 2, maxRows: 10 }} value={value === null || value === undefined ? '' : String(value)} status={invalid ? 'error' : undefined} aria-invalid={invalid || undefined} aria-describedby={describedBy} onChange={(e) => onChange(e.target.value)} />
  )
}
function NoteView({ value, dense }: ViewProps) {
  const s = typeof value === 'object' ? words(value) : String(value)
  return <span className={dense ? 'clamp' : 'note'}>{s}</span>
}
export default { Input: NoteInput, View: NoteView, column: { min: 160, max: 320 }, wide: true } satisfies Kind
