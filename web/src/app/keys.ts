// Global keys. They rest while somebody types, while an input method composes, and when switched off.
import { useEffect, useRef } from 'react'

export const keysOff = () => localStorage.getItem('zg:keys') === 'off'

export const composing = (e: { isComposing?: boolean; keyCode?: number; nativeEvent?: { isComposing?: boolean } }) =>
  !!e.isComposing || !!e.nativeEvent?.isComposing || e.keyCode === 229

const inField = (t: EventTarget | null) =>
  t instanceof HTMLElement && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName) || !!t.closest('[role=combobox]'))

const inDialog = () => !!document.querySelector('.ant-modal-wrap:not([style*="display: none"]), .ant-drawer-open')

export type KeyMap = Record<string, (e: KeyboardEvent) => void>

// the page comes after the frame: the latest map is asked first
const maps: { current: KeyMap }[] = []
const find = (name: string) => [...maps].reverse().find((m) => m.current[name])?.current[name]
const begins = (key: string) => maps.some((m) => Object.keys(m.current).some((k) => k.startsWith(key + ' ')))

let first: { key: string; at: number } | null = null

function onKey(e: KeyboardEvent) {
  if (composing(e) || e.defaultPrevented || e.altKey) return
  const key = e.key.length === 1 ? e.key.toLowerCase() : e.key
  const run = (f: ((e: KeyboardEvent) => void) | undefined) => {
    if (!f) return false
    e.preventDefault()
    f(e)
    return true
  }
  if (e.ctrlKey || e.metaKey) {
    if (!e.shiftKey) run(find(`mod+${key}`))
    return
  }
  if (inField(e.target) || keysOff() || inDialog()) return
  const begun = first && Date.now() - first.at < 1200 ? first.key : null
  first = null
  if (begun && run(find(`${begun} ${key}`))) return
  if (begins(key)) {
    first = { key, at: Date.now() }
    return
  }
  // Enter and space belong to the control that has the focus
  if ((key === 'Enter' || key === ' ') && e.target instanceof HTMLElement && e.target.closest('button, a, [role=button], summary')) return
  run(find(key))
}

/** Keys are written `j`, `Enter`, `?`, `g w` (two in a row), `mod+k`. Those with mod work in fields and dialogs too. */
export function useKeys(map: KeyMap, enabled = true) {
  const ref = useRef(map)
  ref.current = map
  useEffect(() => {
    if (!enabled) return
    if (!maps.length) document.addEventListener('keydown', onKey)
    maps.push(ref)
    return () => {
      maps.splice(maps.indexOf(ref), 1)
      if (!maps.length) document.removeEventListener('keydown', onKey)
    }
  }, [enabled])
}
