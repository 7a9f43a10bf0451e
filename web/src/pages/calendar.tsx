// Which days count? Statutory rest days, make-up working days, the company's own; and what falls due on a day.
import { Button } from 'antd'
import { useMemo, useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { useGet } from '../api/query'
import type { Task, Tasks } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { dayName } from '../app/holidays'
import { useWords } from '../app/i18n'
import { isoDate, parse, parts } from '../app/time'
import { Card, Failed, Loading } from '../elements/parts'
import { Deadline } from '../elements/deadline'

interface Year { year: number; provisional: boolean; days: { date: string; off: boolean; work: boolean; name: string }[]; week?: unknown[] }

export default function Calendar() {
  const { t, w, lang } = useWords()
  const now = useNow()
  const [params, setParams] = useSearchParams()
  const year = Number(params.get('year')) || parts(now).y
  const q = useGet<Year>('/api/calendar', { year })
  const tasks = useGet<Tasks>('/api/task', { all: 1 })
  const [all, setAll] = useState(false)
  useTitle(t('nav.calendar'))
  const days = useMemo(() => new Map((q.data?.days ?? []).map((d) => [d.date, d])), [q.data])
  const due = useMemo(() => {
    const m = new Map<string, Task[]>()
    for (const x of Object.values(tasks.data?.groups ?? {}).flat()) {
      const at = parse(x.due)
      if (at !== null) m.set(isoDate(at - 1), [...(m.get(isoDate(at - 1)) ?? []), x])
    }
    return m
  }, [tasks.data])
  const today = isoDate(now)
  const coming = [...due.entries()].filter(([d]) => d >= today).sort().slice(0, 8)
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  const from = year === parts(now).y && !all ? parts(now).m - 1 : 0
  const week = t('week.days').split(' ')
  return (
    <>
      <header className="page-head">
        <h1>{t('nav.calendar')} <small className="soft">{year}</small></h1>
        <div className="acts"><Button onClick={() => setParams({ year: String(year - 1) })}>{year - 1}</Button><Button onClick={() => setParams({ year: String(year + 1) })}>{year + 1}</Button><Link to="/register/base.calendar_day">{t('calendar.own')}</Link></div>
      </header>
      {q.data?.provisional && <p className="notice amber">{t('calendar.provisional', { year })}</p>}
      <p className="soft small">{t('calendar.legend')} {from > 0 && <button type="button" className="link small" onClick={() => setAll(true)}>{t('calendar.earlier')}</button>}</p>
      <div className="columns">
        {!q.data ? <Loading rows={10} tall /> : (
          <div className="year">
            {Array.from({ length: 12 }, (_, m) => m).filter((m) => m >= from).map((m) => {
              const first = new Date(Date.UTC(year, m, 1))
              const lead = (first.getUTCDay() + 6) % 7
              const count = new Date(Date.UTC(year, m + 1, 0)).getUTCDate()
              return (
                <Card key={m} title={t('calendar.month', { n: m + 1, name: first.toLocaleString('en', { month: 'long', timeZone: 'UTC' }) })}>
                  <div className="month">
                    {week.map((d) => <div key={d} className="head">{d}</div>)}
                    {Array.from({ length: lead }, (_, i) => <div key={'e' + i} />)}
                    {Array.from({ length: count }, (_, i) => {
                      const date = `${year}-${String(m + 1).padStart(2, '0')}-${String(i + 1).padStart(2, '0')}`
                      const d = days.get(date)
                      const weekend = (lead + i) % 7 >= 5
                      const off = d ? d.off : weekend
                      const n = due.get(date)?.length ?? 0
                      return (
                        <div key={date} className={`${off ? 'off' : ''} ${d?.work ? 'work' : ''} ${date === today ? 'today' : ''}`} title={d && dayName(d.name, lang)}>
                          {i + 1} {d?.off && <em>{t('calendar.off')}</em>}{d?.work && <em>{t('calendar.work')}</em>}
                          {n > 0 && <small className={date < today ? 'late' : 'warn'}>{t('calendar.due', { count: n })}</small>}
                        </div>
                      )
                    })}
                  </div>
                </Card>
              )
            })}
          </div>
        )}
        <aside>
          <Card title={t('calendar.coming')}>
            {!coming.length ? <p className="soft">{t('tasks.none')}</p> : (
              <ul className="rows">{coming.flatMap(([, list]) => list).slice(0, 12).map((x) => <li key={x.id}><Deadline due={x.due} from={x.from} state={x.state} exact="beside" /><div><Link to={`/record/${x.form}/${x.record}`}>{w(x.action_label) || w(x.label)}</Link> <span className="soft">{x.number}</span></div></li>)}</ul>
            )}
          </Card>
          {q.data && q.data.days.length > 0 && (
            <Card title={t('calendar.special')}>
              <ul className="rows">{q.data.days.map((d) => <li key={d.date} className="rel"><span className="num">{d.date.slice(5)}</span><span>{dayName(d.name, lang)}</span><b className={d.off ? 'late' : ''}>{d.off ? t('calendar.off') : t('calendar.work')}</b></li>)}</ul>
            </Card>
          )}
        </aside>
      </div>
    </>
  )
}
