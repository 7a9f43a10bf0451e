// What was typed stays on this device until the server has it: per person, record and action.
import { useCallback, useEffect, useRef, useState } from 'react'
import type { Values } from '../api/types'
import { recall, remember } from '../app/device'

export type Rows = Record<string, Values[]>
export interface Draft {
  at: number // when last typed, by this device
  values: Values
  lines: Rows
  reason?: string
  comment?: string
  waive?: Record<string, string>
  etag?: string // the version one began to type on
}
export const blank = (values: Values = {}, lines: Rows = {}): Draft => ({ at: 0, values, lines })

const PREFIX = 'zg:draft:'
export const draftKey = (account: string, form: string, id: string, action: string) => `${PREFIX}${account}:${form}:${id}:${action}`

export interface DraftHandle {
  draft: Draft
  change: (d: Partial<Draft>) => void
  drop: (start?: Draft) => void
  restored: boolean
}

export function useDraft(key: string, start: () => Draft): DraftHandle {
  const read = () => recall<Draft>(key)
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
  const change = useCallback((d: Partial<Draft>) => {
    const draft = { ...current.current.draft, ...d, at: Date.now() }
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

/** All drafts of a person on this device, newest first. */
export function drafts(account: string): { form: string; id: string; action: string; at: number }[] {
  const out: { form: string; id: string; action: string; at: number }[] = []
  try {
    for (let i = 0; i < localStorage.length; i++) {
      const k = localStorage.key(i)!
      if (!k.startsWith(`${PREFIX}${account}:`)) continue
      const [, , , form, id, action] = k.split(':')
      out.push({ form, id, action, at: recall<Draft>(k)?.at ?? 0 })
    }
  } catch {
    return []
  }
  return out.sort((a, b) => b.at - a.at)
}
