// The wall board: nobody touches it. Four figures, then what needs an act now. No names of customers.
import { useNow, useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { useMe } from '../app/session'
import { clockTime, fullDay, late, left, parse } from '../app/time'
import { useGet } from '../api/query'
import { Failed, Loading } from '../elements/parts'
import type { BoardData } from './board'
import '../elements/wall.css'

export default function Wall() {
  const { t, w, lang } = useWords()
  const me = useMe()
  const now = useNow(true)
  const q = useGet<BoardData>('/api/board', undefined, { refetchInterval: 15_000, staleTime: 0 })
  useTitle(t('board.wall'))
  if (q.error && !q.data) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={8} />
  const d = q.data
  const open = d.by_unit.reduce((n, u) => n + u.open, 0)
  const over = d.by_unit.reduce((n, u) => n + u.late, 0)
  const soon = d.by_unit.reduce((n, u) => n + u.warning, 0)
  const onTime = open ? Math.floor(((open - over) / open) * 100) : 100
  const old = Date.now() - q.dataUpdatedAt > 60_000
  const rows = d.clocks.slice(0, 8)
  return (
    <div className="wall">
      {old && <div className="stale-line">{t('wall.stale', { at: clockTime(parse(d.now) ?? now) })}</div>}
      <header><h1>{t('wall.title')} <small>{me.company.name}</small></h1><div className="now num">{clockTime(now)} <small>{fullDay(now, lang)}</small></div></header>
      <ul className="tiles4">
        <li className={over ? 'is-late' : ''}><span>{t('tasks.group.late')}</span><b>{over}</b><small>{t('wall.goal', { n: 0 })}</small></li>
        <li className={soon ? 'is-soon' : ''}><span>{t('wall.soon')}</span><b>{soon}</b><small>{t('wall.first')}</small></li>
        <li><span>{t('wall.open')}</span><b>{open}</b><small>{t('wall.open_note')}</small></li>
        <li><span>{t('wall.on_time')}</span><b>{onTime}%</b><small>{t('wall.goal_pct')}</small></li>
      </ul>
      <table>
        <thead><tr><th>{t('wall.what')}</th><th>{t('number')}</th><th>{t('wall.who')}</th><th className="right">{t('wall.left')}</th></tr></thead>
        <tbody>
          {rows.map((c) => {
            const due = parse(c.due) ?? now
            const is = now > due ? 'is-late' : c.warned ? 'is-soon' : ''
            const short = Math.abs(due - now) < 600_000
            return (
              <tr key={c.id} className={is}>
                <td><i aria-hidden="true">{is === 'is-late' ? '▲' : is ? '◆' : ''}</i> {w(c.label)}</td>
                <td className="num">{c.number}</td>
                <td>{c.holder?.[0]?.name ?? c.unit?.name}</td>
                <td className="right num">{is === 'is-late' ? late(now - due, lang, short) : left(due - now, lang, short)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
      <footer><span>▲ {t('tasks.group.late')}　◆ {t('wall.soon')}</span><span>{t('wall.data', { at: clockTime(parse(d.now) ?? now) })}</span></footer>
    </div>
  )
}
