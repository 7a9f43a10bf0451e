import { createContext, useCallback, useContext, useEffect, useState, type ReactNode } from 'react'
import { accept, get, onConnection, onSignedOut, onStale, problemOf } from '../api/client'
import { queries, refresh } from '../api/query'
import type { Me, Problem } from '../api/types'
import i18n from 'i18next'
import { alarm } from './alarm'
import { setClock, serverNow } from './clock'

interface Session {
  me: Me | null
  problem: Problem | null
  loading: boolean
  setMe: (me: Me | null) => void
  reload: () => Promise<void>
  again: boolean // signed out in the middle of work: sign in over the page
  settleAgain: (ok: boolean) => void
  proving: Problem | null // an act waits for a fresh proof
  settleProof: (ok: boolean) => void
  lost: number | null // when the connection was lost
}
const Context = createContext<Session>(null as unknown as Session)
export const useSession = () => useContext(Context)
/** The signed-in person; pages inside the shell always have one. */
export const useMe = () => useContext(Context).me!

let waiting: ((ok: boolean) => void)[] = []
let unproved: { of: Problem; settle: (ok: boolean) => void }[] = []

export function SessionProvider({ children }: { children: ReactNode }) {
  const [me, set] = useState<Me | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [loading, setLoading] = useState(true)
  const [again, setAgain] = useState(false)
  const [proving, setProving] = useState<Problem | null>(null)
  const [lost, setLost] = useState<number | null>(null)

  const setMe = useCallback((m: Me | null) => {
    set(m ? accept(m) : null)
    setProblem(null)
  }, [])

  const reload = useCallback(async () => {
    onSignedOut(null)
    try {
      setMe(await get<Me>('/api/me'))
    } catch (e) {
      const p = problemOf(e)
      if (p.kind === 'unauthenticated') set(null)
      else setProblem(p)
    }
    setLoading(false)
  }, [setMe])

  useEffect(() => void reload(), [reload])
  useEffect(() => void onConnection((up) => setLost((was) => (up ? null : (was ?? serverNow())))), [])

  const signedIn = !!me
  useEffect(() => {
    if (!signedIn) return
    onSignedOut(
      () =>
        new Promise<boolean>((resolve) => {
          waiting.push(resolve)
          setAgain(true)
        }),
    )
    onStale(
      (of) =>
        new Promise<boolean>((settle) => {
          unproved.push({ of, settle })
          setProving(unproved[0].of)
        }),
    )
    return () => {
      onSignedOut(null)
      onStale(null)
    }
  }, [signedIn])

  const settleProof = useCallback((ok: boolean) => {
    // A proof for one act opens that one alone; the others that wait are asked in turn.
    const settled = unproved.filter((x) => x.of.prove?.for === unproved[0].of.prove?.for)
    unproved = unproved.filter((x) => !settled.includes(x))
    setProving(unproved[0]?.of ?? null)
    settled.forEach((x) => x.settle(ok))
  }, [])

  const settleAgain = useCallback((ok: boolean) => {
    setAgain(false)
    const all = waiting
    waiting = []
    all.forEach((f) => f(ok))
    if (!ok) {
      queries.clear()
      set(null)
    }
  }, [])

  // the live stream: what others change, and the clock being turned
  useEffect(() => {
    if (!signedIn || typeof EventSource === 'undefined') return
    const source = new EventSource('/api/event')
    source.addEventListener('change', (e) => {
      try {
        const d = JSON.parse((e as MessageEvent).data)
        if (d.form === 'base.notice' && d.action === 'create') return void alarm(d.record, { title: i18n.t('brand'), body: i18n.t('alert.system_body') })
        refresh(d.form, d.record)
      } catch {
        refresh()
      }
    })
    source.addEventListener('mask', (e) => window.dispatchEvent(new CustomEvent('mask', { detail: (e as MessageEvent).data })))
    source.addEventListener('task', (e) => {
      void queries.invalidateQueries({ queryKey: ['/api/task'] })
      void queries.invalidateQueries({ queryKey: ['/api/task/count'] })
      try {
        const d = JSON.parse((e as MessageEvent).data)
        if (d.counts) set((m) => (m ? { ...m, counts: { ...m.counts, ...d.counts } } : m))
      } catch {
        // the list itself is asked again anyway
      }
    })
    source.addEventListener('clock', (e) => {
      try {
        const d = JSON.parse((e as MessageEvent).data)
        if (d.now) setClock(d.now, d.manual ?? true)
      } catch {
        return
      }
      refresh()
    })
    return () => source.close()
  }, [signedIn])

  return <Context.Provider value={{ me, problem, loading, setMe, reload, again, settleAgain, proving, settleProof, lost }}>{children}</Context.Provider>
}
