// The wall board: nobody touches it. Four figures, then what needs an act now. No names of customers. A display opens it by a link
// of its own; somebody who is signed in sees his own reach.
import { useEffect, useRef, useState } from 'react'
import { useQuery } from '@tanstack/react-query'
import { Refusal, problemOf } from '../api/client'
import { setClock, useNow, useTitle } from '../app/clock'
import { ring } from '../app/alarm'
import { useWords } from '../app/i18n'
import { useSession } from '../app/session'
import { SignIn } from './sign-in'
import { clockTime, fullDay, late, left, parse } from '../app/time'
import { useGet } from '../api/query'
import type { Text } from '../api/types'
import { Failed, Loading } from '../elements/parts'
import type { BoardData } from './board'
import '../elements/wall.css'

interface WallRow { id: string; label: Text; number?: string; due: string; state: string; warned: boolean; holder?: string; unit?: string }
interface WallData { now: string; unit: string; open: number; late: number; warning: number; today: number; rows: WallRow[] }

const EVERY = 15_000
const STALE = 60_000
const FRAMED = 10_000

export default function Wall() {
  const [token] = useState(() => location.hash.slice(1))
  return token ? <Display token={token} /> : <Own />
}

/** A display: the secret is in the part of the address that is never sent as one, and no session is asked for. */
function Display({ token }: { token: string }) {
  const { t } = useWords()
  const q = useQuery<WallData, Refusal>({
    queryKey: ['/api/wall-board', token.slice(-6)],
    queryFn: async ({ signal }) => {
      const res = await fetch('/api/wall-board', { headers: { Authorization: `Bearer ${token}` }, credentials: 'omit', signal })
      if (!res.ok) throw new Refusal({ kind: res.status === 401 ? 'unauthenticated' : 'unavailable', status: res.status, title: '' })
      const d = (await res.json()) as WallData
      setClock(d.now, false)
      return d
    },
    refetchInterval: EVERY, refetchIntervalInBackground: true, retry: false, staleTime: 0,
  })
  if (q.error && problemOf(q.error).kind === 'unauthenticated') return <div className="wall"><div className="stale-line" role="alert">{t('wall.ended')}</div></div>
  return <Board d={q.data} at={q.dataUpdatedAt} name={q.data?.unit ?? ''} />
}

function Own() {
  const { w } = useWords()
  const { me, loading } = useSession()
  const q = useGet<BoardData>(me ? '/api/board' : null, undefined, { refetchInterval: EVERY, staleTime: 0 })
  if (loading) return <Loading rows={8} />
  if (!me) return <SignIn />
  if (q.error && !q.data) return <Failed error={q.error} again={q.refetch} />
  const d = q.data
  const sum = (f: (u: BoardData['by_unit'][number]) => number) => d?.by_unit.reduce((n, u) => n + f(u), 0) ?? 0
  const data = d && {
    now: d.now, unit: me.company.name, open: sum((u) => u.open), late: sum((u) => u.late), warning: sum((u) => u.warning), today: d.today,
    rows: d.clocks.filter((c) => c.state !== 'paused').slice(0, 8).map((c) => ({ id: c.id, label: c.label, number: c.number, due: c.due!, state: c.state, warned: !!c.warned, holder: c.holder?.[0]?.name, unit: c.holder?.[0]?.unit ? w(c.holder[0].unit) : '' })),
  }
  return <Board d={data} at={q.dataUpdatedAt} name={me.company.name} />
}

/** Which rows have become late since the last look: they stand first, framed, for ten seconds, and sound once. */
function useFresh(rows: WallRow[] | undefined, now: number) {
  const known = useRef<Set<string> | null>(null)
  const [fresh, setFresh] = useState<Record<string, number>>({})
  const lates = (rows ?? []).filter((r) => now > (parse(r.due) ?? now)).map((r) => r.id).join(' ')
  useEffect(() => {
    if (!rows) return
    const ids = lates ? lates.split(' ') : []
    const news = known.current ? ids.filter((x) => !known.current!.has(x)) : []
    known.current = new Set([...(known.current ?? []), ...ids])
    if (!news.length) return
    setFresh((f) => ({ ...f, ...Object.fromEntries(news.map((x) => [x, Date.now()])) }))
    ring()
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [lates, !rows])
  return (id: string) => fresh[id] !== undefined && Date.now() - fresh[id] < FRAMED
}

function Board({ d, at, name }: { d?: WallData; at: number; name: string }) {
  const { t, w, lang } = useWords()
  const now = useNow(true)
  const isFresh = useFresh(d?.rows, now)
  const [, tick] = useState(0)
  useEffect(() => { // also where the clock of a demonstration stands still
    const timer = setInterval(() => tick((n) => n + 1), 1000)
    return () => clearInterval(timer)
  }, [])
  useTitle(t('board.wall'))
  if (!d) return <Loading rows={8} />
  const old = Date.now() - at > STALE
  const seen = clockTime(parse(d.now) ?? now)
  const rows = [...d.rows].sort((a, b) => Number(isFresh(b.id)) - Number(isFresh(a.id)))
  return (
    <main className="wall">
      {old && <div className="stale-line" role="alert">{t('wall.stale', { at: seen })}</div>}
      <header><h1>{t('wall.title')} <small>{name}</small></h1><div className="now num">{clockTime(now)} <small>{fullDay(now, lang)}</small></div></header>
      <ul className="tiles4">
        <li className={d.late ? 'is-late' : ''}><span>{d.late ? '▲ ' : ''}{t('tasks.group.late')}</span><b>{d.late}</b><small>{t('wall.goal', { n: 0 })}</small></li>
        <li className={d.warning ? 'is-soon' : ''}><span>{d.warning ? '◆ ' : ''}{t('wall.soon')}</span><b>{d.warning}</b><small>{t('wall.first')}</small></li>
        <li><span>{t('wall.open')}</span><b>{d.open}</b><small>{t('wall.open_note')}</small></li>
        <li className={d.today ? 'is-late' : ''}><span>{d.today ? '▲ ' : ''}{t('wall.today')}</span><b>{d.today}</b><small>{t('wall.today_note')}</small></li>
      </ul>
      {!rows.length ? <p className="quiet">{t('wall.none')}</p> : (
        <table>
          <thead><tr><th /><th>{t('wall.what')}</th><th>{t('number')}</th><th>{t('wall.who')}</th><th className="right">{t('wall.left')}</th></tr></thead>
          <tbody>
            {rows.map((c) => {
              const due = parse(c.due) ?? now
              const is = now > due ? 'is-late' : c.warned ? 'is-soon' : ''
              const short = Math.abs(due - now) < 600_000
              return (
                <tr key={c.id} className={`${is}${isFresh(c.id) ? ' is-fresh' : ''}`}>
                  <td className="sign">{is === 'is-late' ? `▲ ${t('tasks.group.late')}` : is ? `◆ ${t('wall.soon')}` : t('wall.fine')}</td>
                  <td>{w(c.label)}</td>
                  <td className="num">{c.number}</td>
                  <td>{[c.unit, c.holder].filter(Boolean).join(' ')}</td>
                  <td className="right num">{is === 'is-late' ? late(now - due, lang, short) : left(due - now, lang, short)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      )}
      <footer><span>▲ {t('tasks.group.late')}　◆ {t('wall.soon')}</span><span>{old ? t('wall.data', { at: seen }) : t('wall.connected', { at: seen })}</span></footer>
    </main>
  )
}
