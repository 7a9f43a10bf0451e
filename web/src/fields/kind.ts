// What a field kind is made of. One folder a kind; index.tsx is the register of them all.
import type { ComponentType } from 'react'
import type { Field, Value, Values } from '../api/types'

export interface InputProps {
  form: string
  field: Field
  value: Value
  onChange: (v: Value) => void
  id: string
  invalid?: boolean
  describedBy?: string
  record?: string
  all?: Values // the other values beside it
  autoFocus?: boolean
}
export interface ViewProps {
  field: Field
  value: Value
  dense?: boolean
}
export interface Kind {
  Input: ComponentType<InputProps>
  View: ComponentType<ViewProps>
  column: { align?: 'right'; min?: number; max?: number }
  wide?: boolean // takes the whole width of a form
}

export const idOf = (v: Value): string => (v && typeof v === 'object' && 'id' in v ? String((v as { id: unknown }).id) : v === null || v === undefined ? '' : String(v))
/** Nobody can read it again: the key of the person was destroyed. */
export const erased = (v: Value): boolean => !!(v && typeof v === 'object' && 'erased' in v && v.erased)

export const masked = (v: Value): string | null => (v && typeof v === 'object' && 'masked' in v ? String((v as { masked: unknown }).masked) : null)
export const missing = (v: Value) => v === null || v === undefined || v === '' || (Array.isArray(v) && !v.length)
