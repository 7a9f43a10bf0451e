// What was typed stays on this device until the server has it: per person, record and action.
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { newKey } from '../api/client'
import type { Values } from '../api/types'
import { onRemembered, recall, remember } from '../app/device'
import { missing } from '../fields/kind'

export type Rows = Record<string, Values[]>
export interface Draft {
  at: number // when last typed, by this device
  values: Values
  lines: Rows
  reason?: string
  comment?: string
  waive?: Record<string, string>
  etag?: string // the version one began to type on
  begun?: number // when first typed
  usual?: Values // what stood in a new record by itself
}
/** What changes of a draft; of it as it stands by then, where the answer to something came meanwhile. */
export type Change = Partial<Draft> | ((d: Draft) => Partial<Draft>)
export const changed = (d: Draft, c: Change): Draft => known({ ...d, ...(typeof c === 'function' ? c(d) : c) })
export const blank = (values: Values = {}, lines: Rows = {}): Draft => known({ at: 0, values, lines })

/** What a row is known by while rows come and go around it: its id, or if the server has not seen it this, which no field is called. */
const ROW = '#'
export const rowKey = (r: Values) => (r.id ?? r[ROW]) as string
export const rowEmpty = (r: Values) => !Object.entries(r).some(([k, v]) => k !== ROW && !missing(v))
const known = (d: Draft): Draft => ({ ...d, lines: Object.fromEntries(Object.entries(d.lines).map(([l, rows]) => [l, rows.map((r) => (rowKey(r) ? r : { ...r, [ROW]: newKey() }))])) })

const PREFIX = 'zg:draft:'
export const draftKey = (account: string, form: string, id: string, action: string) => `${PREFIX}${account}:${form}:${id}:${action}`

export interface DraftHandle {
  draft: Draft
  change: (c: Change) => void
  drop: (start?: Draft) => void
  restored: boolean
}

export function useDraft(key: string, start: () => Draft): DraftHandle {
  const read = () => {
    const kept = recall<Draft>(key)
    return kept && known(kept)
  }
  const [state, set] = useState(() => {
    const kept = read()
    return { key, draft: kept ?? start(), restored: !!kept }
  })
  const current = useRef(state)
  current.current = state
  if (state.key !== key) {
    const kept = read()
    set({ key, draft: kept ?? start(), restored: !!kept })
  }
  const change = useCallback((c: Change) => {
    const draft = { ...changed(current.current.draft, c), begun: current.current.draft.begun ?? Date.now(), at: Date.now() }
    current.current = { ...current.current, draft }
    set(current.current)
    remember(current.current.key, draft)
  }, [])
  const drop = useCallback((next?: Draft) => {
    remember(current.current.key, null)
    set({ key: current.current.key, draft: next ?? start(), restored: false })
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [])
  // the same draft in another tab
  useEffect(() => {
    const f = (e: StorageEvent) => {
      if (e.key === key && e.newValue) set({ key, draft: JSON.parse(e.newValue) as Draft, restored: true })
    }
    addEventListener('storage', f)
    return () => removeEventListener('storage', f)
  }, [key])
  return { draft: state.draft, change, drop, restored: state.restored }
}

export interface Kept { form: string; id: string; action: string; at: number; begun: number; values: Values; usual?: Values }

/** All drafts of a person on this device, newest first. */
export function drafts(account: string): Kept[] {
  const out: Kept[] = []
  try {
    for (let i = 0; i < localStorage.length; i++) {
      const k = localStorage.key(i)!
      if (!k.startsWith(`${PREFIX}${account}:`)) continue
      const [, , , form, id, action] = k.split(':')
      const d = recall<Draft>(k)
      out.push({ form, id, action, at: d?.at ?? 0, begun: d?.begun ?? d?.at ?? 0, values: d?.values ?? {}, usual: d?.usual })
    }
  } catch {
    return []
  }
  return out.sort((a, b) => b.at - a.at)
}

export const PARKED = 3 // new records that may be begun at a time

// of one form: new, new.2, new.3; in the address ?draft=2
export const slotId = (n: number) => (n > 1 ? `new.${n}` : 'new')
export const slotOf = (id: string) => Number(/^new(?:\.(\d+))?$/.exec(id)?.[1] ?? 1)
export const isNew = (id: string) => /^new(\.\d+)?$/.test(id)
export const newPath = (form: string, n: number) => `/register/${form}/new${n > 1 ? `?draft=${n}` : ''}`

/** New records begun and not filed, in the order they were begun. */
export const parked = (account: string) => drafts(account).filter((d) => isNew(d.id) && d.action === 'create' && d.at > 0).sort((a, b) => a.begun - b.begun)

/** The first place of a form where nothing is typed. */
export function freeSlot(account: string, form: string): number {
  const taken = parked(account).filter((d) => d.form === form).map((d) => slotOf(d.id))
  for (let n = 1; ; n++) if (!taken.includes(n)) return n
}

/** Follows what is parked, here and in another tab of the browser. */
export function useParked(account: string): Kept[] {
  const said = useSyncExternalStore(onRemembered, () => JSON.stringify(parked(account)))
  return useMemo(() => JSON.parse(said) as Kept[], [said])
}
