// What must I do now, what am I late with, what waits for others?
import { Button } from 'antd'
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { call } from '../api/client'
import { recordPath, refresh, useForm, useForms, useGet } from '../api/query'
import type { ActionOpen, Done, Rec, Task, Tasks, Value } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { usePhone } from '../app/device'
import { useWords } from '../app/i18n'
import { useKeys } from '../app/keys'
import { useMe, useSession } from '../app/session'
import { clockTime, dayWords, fullDay, ago, parse } from '../app/time'
import { Begin } from '../elements/begin'
import { ClauseChip } from '../elements/clause'
import { useHouse } from '../elements/house'
import { Deadline } from '../elements/deadline'
import { drafts, isNew, newPath, slotOf } from '../elements/draft'
import { needsForm } from '../elements/press'
import { Card, Empty, Failed, Key, Loading, Side } from '../elements/parts'

const ActionDialog = lazy(() => import('../elements/act').then((m) => ({ default: m.ActionDialog })))

const GROUPS = ['late', 'today', 'week', 'later'] as const
const FIRST = 25
const FAR = 180 * 86_400_000 // ms: what is due later than that is shown when asked for
const SHOWN = 5000 // ms that what is done stays where it was, with its mark

interface Finished { task: Task; group: (typeof GROUPS)[number]; at: string }

export default function Workbench() {
  const { t, w, lang } = useWords()
  const me = useMe()
  const { lost } = useSession()
  const phone = usePhone()
  const now = useNow()
  const go = useNavigate()
  const [all, setAll] = useState(false) // those of one who has very many come when he asks for them
  const q = useGet<Tasks>('/api/task', all ? { all: 1 } : undefined, { refetchInterval: 60_000, placeholderData: (had) => had })
  const [at, setAt] = useState(-1)
  const [doing, setDoing] = useState<Task | null>(null)
  const [done, setDone] = useState<Record<string, Finished>>({})
  const [more, setMore] = useState<Record<string, number>>({})
  const box = useRef<HTMLDivElement>(null)
  useTitle(t('nav.workbench'))
  const far = (x: Task) => !!x.due && (parse(x.due) ?? 0) > now + FAR
  const first = (list: Task[]) => { const n = list.filter((x) => !far(x)).length; return Math.min(FIRST, n || list.length) }
  const groups = useMemo(() => {
    const there = new Set(GROUPS.flatMap((g) => q.data?.groups[g] ?? []).map((x) => x.id))
    return GROUPS.map((g) => ({
      g,
      list: [...(q.data?.groups[g] ?? []), ...Object.values(done).filter((d) => d.group === g && !there.has(d.task.id)).map((d) => d.task)]
        .sort((a, b) => Number(a.state === 'paused') - Number(b.state === 'paused') || Number(far(a)) - Number(far(b)) || Number(!a.due) - Number(!b.due) || String(a.due).localeCompare(String(b.due))),
    }))
  }, [q.data, done])
  const flat = groups.flatMap(({ g, list }) => list.slice(0, more[g] ?? first(list)))
  const focus = (i: number) => {
    setAt(i)
    const el = box.current?.querySelectorAll<HTMLElement>('[data-task]')[i]
    el?.scrollIntoView({ block: 'nearest' })
    el?.focus({ preventScroll: true })
  }
  const act = (x?: Task, action = x?.action) => {
    if (!x || done[x.id]) return
    if (action || x.sign) setDoing({ ...x, action })
    else go(`/record/${x.form}/${x.record}`)
  }
  useKeys({
    j: () => focus(Math.min(flat.length - 1, at + 1)),
    k: () => focus(Math.max(0, at - 1)),
    Enter: () => act(flat[at]),
    o: () => flat[at] && go(`/record/${flat[at].form}/${flat[at].record}`),
  })
  const finished = (x: Task, d: Done) => {
    const when = parse(d.done.at)
    const group = groups.find(({ list }) => list.some((y) => y.id === x.id))?.g ?? 'today'
    setDone((m) => ({ ...m, [x.id]: { task: x, group, at: when === null ? '' : clockTime(when) } }))
    setDoing(null)
    setTimeout(() => setDone(({ [x.id]: _, ...rest }) => rest), SHOWN)
    requestAnimationFrame(() => focus(Math.max(0, at)))
  }
  if (q.error && !q.data) return <Failed error={q.error} again={q.refetch} />
  const c = q.data?.counts
  const next = groups.flatMap((x) => x.list).find((x) => x.due)
  return (
    <div ref={box}>
      <header className="page-head">
        <h1>
          {t('nav.mine')}{' '}
          {c && (
            <small>
              {c.late > 0 && <a href="#late" className="late">{t('tasks.late', { count: c.late })}</a>}
              {c.late > 0 && (c.today > 0 || c.week > 0) && t('comma')}
              {c.today > 0 && <a href="#today" className="warn">{t('tasks.today', { count: c.today })}</a>}
              {c.today > 0 && c.week > 0 && t('comma')}
              {c.week > 0 && <a href="#week" className="soft">{t('tasks.week', { count: c.week })}</a>}
            </small>
          )}
        </h1>
        {!phone && <span className="soft small">{fullDay(now, lang)} {clockTime(now)}</span>}
      </header>
      {lost !== null && q.data && <p className="notice amber">{t('tasks.stale', { at: clockTime(parse(q.data.now) ?? now) })}</p>}
      <div className="columns">
        <div>
          {me.rights.includes('settings') && <Begin />}
          {!q.data ? <Loading rows={8} tall /> : !flat.length && !q.data.more ? (
            <Card><Empty>{t('tasks.none')}{next ? ` ${t('tasks.next', { at: dayWords(parse(next.due)!, lang), what: w(next.action_label) })}` : ''}</Empty></Card>
          ) : (
            groups.map(({ g, list }) => {
              // The first hundred may all be late: of a group that is counted and not listed yet the rest is offered.
              const total = q.data?.more ? Math.max(list.length, q.data.counts[g]) : list.length
              if (!total) return null
              const shown = list.slice(0, more[g] ?? first(list))
              const show = () => {
                setMore((m) => ({ ...m, [g]: shown.length + 50 }))
                if (q.data?.more && shown.length + 50 > list.length) setAll(true)
              }
              return (
                <Card key={g} id={g} className="tasks-card" title={<>{t(`tasks.group.${g}`)} {total}</>} extra={g === 'late' && !phone ? <span className="soft small">{t('tasks.late_note')}</span> : undefined}>
                  <ul className="tasks">
                    {shown.map((x) => <Row key={`${x.id}:${x.action}`} x={x} chosen={flat[at] === x} first={flat[0] === x} done={done[x.id]?.at} onAct={(a) => act(x, a)} onFocus={() => setAt(flat.indexOf(x))} />)}
                  </ul>
                  {total > shown.length && <button type="button" className="link more" onClick={show}>{t(list[shown.length] && far(list[shown.length]) ? 'tasks.far' : 'show_more', { count: total - shown.length })}</button>}
                </Card>
              )
            })
          )}
          {q.data?.more && <p><Button onClick={() => setAll(true)} loading={all && q.isFetching}>{t('tasks.all')}</Button></p>}
          {!phone && flat.length > 0 && (
            <p className="soft small keys-line"><Key>J</Key><Key>K</Key> {t('keys.move')}　<Key>Enter</Key> {t('keys.enter')}　<Key>O</Key> {t('keys.o')}　<Key>?</Key> {t('keys.list')}</p>
          )}
        </div>
        <aside>
          <Drafts account={me.person.account} />
          {!!q.data?.waiting.length && (
            <Card title={<>{t('waiting')} {q.data.waiting.length}</>}>
              <ul className="rows waiting">
                {q.data.waiting.slice(0, 10).map((x) => (
                  <li key={x.id}>
                    <Link to={`/record/${x.form}/${x.record}`}>{named(x, w)}</Link>
                    <span className="who">{x.holder?.[0] ? [x.holder[0].unit && w(x.holder[0].unit), x.holder[0].name].filter(Boolean).join(' ') : ''}{(x.holder?.length ?? 0) > 1 ? t('path.others', { count: x.holder!.length - 1, total: x.holder!.length }) : ''}</span>
                    <Deadline due={x.due} from={x.from} state={x.state} pausedFor={x.paused_for} exact="none" />
                  </li>
                ))}
              </ul>
              {q.data.waiting.length > 10 && <Link to="/board">{t('show_more', { count: q.data.waiting.length - 10 })}</Link>}
            </Card>
          )}
          {!!q.data?.recent?.length && (
            <Card title={t('recent')}>
              <ul className="rows recent">
                {q.data.recent.map((x, i) => {
                  const a = parse(x.at)
                  return (
                    <li key={i}>
                      <span className="soft small num">{a === null ? '' : ago(a, now, lang)}</span>{' '}
                      {x.form && x.record ? <Link to={`/record/${x.form}/${x.record}`}>{w(x.text)}</Link> : w(x.text)}
                    </li>
                  )
                })}
              </ul>
            </Card>
          )}
        </aside>
      </div>
      {doing && <Handle task={doing} onClose={() => setDoing(null)} onDone={(d) => finished(doing, d)} />}
    </div>
  )
}

const objectOf = (x: Task, w: (text: unknown) => string) => w(x.object) || x.title || ''
/** Number and object; a title that is the number is not said twice. */
const named = (x: Task, w: (text: unknown) => string) => [...new Set([x.number, objectOf(x, w)])].filter(Boolean).join(' ')

function Row({ x, chosen, first, done, onAct, onFocus }: { x: Task; chosen: boolean; first: boolean; done?: string; onAct: (action?: string) => void; onFocus: () => void }) {
  const { t, w } = useWords()
  const house = useHouse()(x.form)
  const several = (x.answers?.length ?? 0) > 1
  const label = (several ? '' : w(x.action_label)) || w(x.label) || t('handle')
  const object = objectOf(x, w)
  const customer = w(x.customer)
  const verb = x.sign ? t('sign') : label.length > 7 ? t('handle') : label
  return (
    <li data-task tabIndex={-1} className={`task ${x.state} ${chosen ? 'chosen' : ''}`} onFocus={onFocus}>
      <div className="when">
        <Deadline due={x.due} from={x.from} state={x.state} pausedFor={x.paused_for} working={x.remaining_working} />
      </div>
      <div className="what">
        <div className="act-name"><Link to={`/record/${x.form}/${x.record}`} tabIndex={-1}>{x.sign ? t('tasks.sign', { what: label }) : label}</Link> <ClauseChip id={x.clause} /></div>
        <div className="soft line2">
          {named(x, w)}
          {w(x.stage) && <span>　{w(x.stage)}</span>}
          {house && <span>　{house}</span>}
          {!!x.also?.length && <span title={x.also.map((l) => w(l.label)).join('、')}>　{t('tasks.also', { count: x.also.length })}</span>}
        </div>
      </div>
      <div className="customer">{customer && !object.includes(customer) ? customer : ''}</div>
      {done !== undefined ? <span className="mark met">✓ {t('tasks.done_at', { at: done })}</span> : several ? (
        <span className="answers">{x.answers!.map((a, i) => <Button key={a.action} type={first && i === 0 ? 'primary' : 'default'} onClick={() => onAct(a.action)}>{w(a.label)}</Button>)}</span>
      ) : <Button type={first ? 'primary' : 'default'} onClick={() => onAct()}>{verb}</Button>}
    </li>
  )
}

const empty = (v: Value) => v === null || v === undefined || v === '' || (Array.isArray(v) && !v.length)

/**
 * Done in place: the form of the act in a drawer or dialog; what needs the whole record opens it. What was begun stays as it was
 * found: the news that it is done may come before the answer does.
 */
function Handle({ task, onClose, onDone }: { task: Task; onClose: () => void; onDone: (d: Done) => void }) {
  const { w } = useWords()
  const go = useNavigate()
  const rec = useGet<Rec>(recordPath(task.form, task.record), undefined, { staleTime: 0 })
  const form = useForm(task.form, rec.data?.older ? task.record : undefined)
  const ready = !!rec.data && !!form.data && !rec.isFetching
  const [began, setBegan] = useState<ActionOpen | null>(null)
  const [refused, setRefused] = useState(false)
  const asked = useRef(false)
  useEffect(() => {
    if (!ready || asked.current) return
    asked.current = true
    const { values, actions, etag } = rec.data!
    const action = actions.open.find((a) => a.id === task.action) ?? (task.sign ? actions.open.find((a) => a.sign) : undefined)
    if (!action || (!action.sign && (action.fill ?? []).filter((f) => f.required && empty(values[f.field])).length > 1)) {
      return void go(`/record/${task.form}/${task.record}${action ? `?act=${action.id}` : ''}`)
    }
    setBegan(action)
    if (needsForm(action)) return
    // what needs nothing else is done with the press that asked for it; a refusal is told by the form of the act
    call<Done>('POST', `${recordPath(task.form, task.record)}/${action.id}`, { body: {}, etag }).then(
      (d) => {
        refresh(task.form, task.record)
        onDone(d)
      },
      () => setRefused(true),
    )
  }, [ready, rec.data, task, go, onDone])
  if (rec.error) return <Side title={w(task.action_label)} onClose={onClose}><Failed error={rec.error} again={rec.refetch} /></Side>
  if (!began || (!needsForm(began) && !refused)) return null
  return <Suspense fallback={null}><ActionDialog form={form.data!} rec={rec.data!} action={began} onClose={onClose} onDone={onDone} /></Suspense>
}

function Drafts({ account }: { account: string }) {
  const { t, w } = useWords()
  const forms = useForms()
  const list = drafts(account).slice(0, 5)
  if (!list.length) return null
  return (
    <Card title={t('draft.title')}>
      <ul className="rows">
        {list.map((d) => (
          <li key={d.form + d.id + d.action}>
            <Link to={d.action === 'export' ? `/register/${d.form}` : isNew(d.id) ? newPath(d.form, slotOf(d.id)) : `/record/${d.form}/${d.id}?act=${d.action}`}>{w(forms.data?.find((f) => f.key === d.form)?.label) || t('record')}</Link>{' '}
            <span className="soft small">{t('draft.saved', { at: clockTime(d.at) })}</span>
          </li>
        ))}
      </ul>
    </Card>
  )
}
