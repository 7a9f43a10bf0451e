// What this device is and remembers: narrow or wide, big text, rail folded.
import { useSyncExternalStore } from 'react'

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (f) => {
      const m = matchMedia(query)
      m.addEventListener('change', f)
      return () => m.removeEventListener('change', f)
    },
    () => matchMedia(query).matches,
  )
}
export const usePhone = () => useMedia('(max-width: 767px)')
export const useWide = () => useMedia('(min-width: 1100px)')

const watchers = new Set<() => void>()

/** Tells of everything that is remembered, also by another tab of this browser. */
export function onRemembered(f: () => void): () => void {
  watchers.add(f)
  addEventListener('storage', f)
  return () => {
    watchers.delete(f)
    removeEventListener('storage', f)
  }
}

/** A remembered value of this device. Storage that is full or closed never stops the work. */
export function remember(key: string, value: unknown) {
  try {
    if (value === undefined || value === null) localStorage.removeItem(key)
    else localStorage.setItem(key, JSON.stringify(value))
  } catch {
    // kept for this visit only
  }
  watchers.forEach((f) => f())
}
export function recall<T>(key: string): T | null {
  try {
    const s = localStorage.getItem(key)
    return s ? (JSON.parse(s) as T) : null
  } catch {
    return null
  }
}
const cache = new Map<string, { s: string | null; v: unknown }>()
export function useRemembered<T>(key: string, otherwise: T): [T, (v: T) => void] {
  const v = useSyncExternalStore(
    (f) => {
      watchers.add(f)
      return () => watchers.delete(f)
    },
    () => {
      let s: string | null = null
      try {
        s = localStorage.getItem(key)
      } catch {
        s = null
      }
      const c = cache.get(key)
      if (c && c.s === s) return c.v as T
      const v = s === null ? otherwise : (recall<T>(key) ?? otherwise)
      cache.set(key, { s, v })
      return v
    },
  )
  return [v, (n) => remember(key, n)]
}
export const useLarge = () => useRemembered<boolean>('zg:large', false)
