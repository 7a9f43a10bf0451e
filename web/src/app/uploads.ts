// Files under way to the server: what is filed before they are there would be filed without them.
import { useSyncExternalStore } from 'react'

let count = 0
const listeners = new Set<() => void>()
const add = (n: number) => {
  count += n
  for (const f of listeners) f()
}

/** Counts a file as under way until it is there or refused. */
export async function underWay<T>(sent: Promise<T>): Promise<T> {
  add(1)
  try {
    return await sent
  } finally {
    add(-1)
  }
}

const follow = (f: () => void) => {
  listeners.add(f)
  return () => listeners.delete(f)
}

export const useUploading = () => useSyncExternalStore(follow, () => count > 0)
