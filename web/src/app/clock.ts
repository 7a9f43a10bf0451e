// The server's clock. Every answer of /api/me sets it; a manual clock stands still until somebody turns it.
import { useEffect, useSyncExternalStore } from 'react'

let offset = 0
let standing: number | null = null
let tick = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

export function setClock(now: string, manual: boolean) {
  const t = Date.parse(now)
  if (Number.isNaN(t)) return
  if (manual) standing = t
  else {
    standing = null
    offset = t - Date.now()
  }
  tick = now_()
  listeners.forEach((f) => f())
}

const now_ = () => standing ?? Date.now() + offset
export const serverNow = now_

function subscribe(f: () => void) {
  listeners.add(f)
  timer ??= setInterval(() => {
    const t = now_()
    if (Math.floor(t / 1000) === Math.floor(tick / 1000)) return
    tick = t
    listeners.forEach((g) => g())
  }, 1000)
  return () => {
    listeners.delete(f)
    if (!listeners.size) {
      clearInterval(timer)
      timer = undefined
    }
  }
}

/** The present moment of the server, renewed each second (`fine`) or each minute. */
export function useNow(fine = false): number {
  const step = fine ? 1000 : 60_000
  return useSyncExternalStore(subscribe, () => Math.floor(tick / step) * step + (standing !== null ? standing % step : 0))
}

export function useTitle(title: string) {
  useEffect(() => {
    if (title) document.title = title
  }, [title])
}
