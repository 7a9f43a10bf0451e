import { Button, Input } from 'antd'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { serverNow, useTitle } from '../app/clock'
import { useText } from '../app/lang'
import { absolute, parse } from '../app/time'
import { accept, call, problemOf } from '../api/client'
import { useGet } from '../api/query'
import type { Book, BookBrief, Company, Me, Problem, Task, Tasks } from '../api/types'
import { ClauseChip, Due, Failed, Loading, Refused } from '../elements/parts'

export function SignIn({ onDone }: { onDone: (me: Me) => void }) {
  const { t } = useText()
  const company = useGet<Company>('/api/company')
  const [account, setAccount] = useState('')
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  useTitle(t('signIn'))
  const go = async (a: string, p: string) => {
    setBusy(true)
    try {
      await call('POST', '/api/session', { body: { account: a, password: p }, quiet: true })
      onDone(accept(await call<Me>('GET', '/api/me', { quiet: true })))
    } catch (e) {
      setProblem(problemOf(e))
      setBusy(false)
    }
  }
  return (
    <main className="signin">
      <form className="card" onSubmit={(e) => { e.preventDefault(); void go(account, password) }}>
        <h1><span className="seal">柜</span> {company.data?.name || t('brand')}</h1>
        {problem && <Refused problem={problem} />}
        <label htmlFor="account">{t('account')}</label>
        <Input id="account" autoFocus autoComplete="username" value={account} onChange={(e) => setAccount(e.target.value)} />
        <label htmlFor="password">{t('password')}</label>
        <Input.Password id="password" autoComplete="current-password" value={password} onChange={(e) => setPassword(e.target.value)} />
        <Button type="primary" htmlType="submit" block loading={busy}>{t('signIn')}</Button>
      </form>
      {!!company.data?.accounts?.length && (
        <section className="card">
          <p>{t('demoAccounts')} <code>{company.data.password}</code></p>
          <div className="grid">{company.data.accounts.map((a) => <Button key={a.account} onClick={() => go(a.account, company.data!.password ?? '')}>{a.name}　{a.post}</Button>)}</div>
        </section>
      )}
    </main>
  )
}

/** What I must do, by when. */
export function Workbench() {
  const { t, l, lang } = useText()
  const tasks = useGet<Tasks>('/api/task', undefined, { refetchInterval: 60_000 })
  const go = useNavigate()
  useTitle(t('workbench'))
  if (tasks.error) return <Failed problem={problemOf(tasks.error)} again={() => tasks.refetch()} />
  if (!tasks.data) return <Loading />
  const d = tasks.data
  const row = (x: Task) => (
    <li key={x.id + (x.deadline ?? '')}>
      <div className="when">{x.due ? <Due due={x.due} state={x.state} /> : <span className="mark ample">○</span>}</div>
      <div className="what"><b>{l(x.action_label) || l(x.label)}</b> <ClauseChip id={x.clause} /><div>{x.number} {x.title}</div></div>
      <Button onClick={() => go(`/record/${x.form}/${x.record}`)}>{l(x.action_label) || t('handle')}</Button>
    </li>
  )
  const groups: ['late' | 'today' | 'week' | 'later', Task[]][] = [['late', d.groups.late], ['today', d.groups.today], ['week', d.groups.week], ['later', d.groups.later]]
  return (
    <>
      <h1>{t('myTasks')} <small><b className="late">{d.counts.late}</b> {t('late')}，<b className="warn">{d.counts.today}</b> {t('today')}，{d.counts.week} {t('week')}</small></h1>
      <div className="two">
        <div>
          {groups.map(([g, list]) => !!list?.length && <section className="card" key={g}><h2>{t(g)} {list.length}</h2><ul className="tasks">{list.slice(0, 40).map(row)}</ul></section>)}
          {!groups.some(([, list]) => list?.length) && <div className="card empty">{t('nothing')}</div>}
        </div>
        <aside>
          {!!d.waiting?.length && <section className="card"><h2>{t('waiting')} {d.waiting.length}</h2>{d.waiting.slice(0, 12).map((x) => <p key={x.id}><Link to={`/record/${x.form}/${x.record}`}>{x.number || x.title}</Link> {(x.holder ?? []).slice(0, 2).map((h) => h.name).join('、')} <Due due={x.due} state={x.state} /></p>)}</section>}
          {!!d.recent?.length && <section className="card"><h2>{t('recent')}</h2>{d.recent.map((x, i) => { const at = parse(x.at); return <p key={i}>{at === null ? '' : absolute(at, serverNow(), lang)} {l(x.text)}</p> })}</section>}
        </aside>
      </div>
    </>
  )
}

export function Books() {
  const { t, l } = useText()
  const q = useGet<BookBrief[]>('/api/rulebook')
  useTitle(t('rulebooks'))
  if (q.error) return <Failed problem={problemOf(q.error)} />
  if (!q.data) return <Loading />
  return <><h1>{t('rulebooks')}</h1><section className="card grid">{q.data.map((b) => <Link key={b.id} className="tile" to={`/rulebook/${b.id}`}>{l(b.title)}<small>{b.clauses?.total ?? 0} {t('clauseText')}</small></Link>)}</section></>
}

/** The regulation clause by clause, beside what the system does for it. */
export function BookPage() {
  const { id = '' } = useParams()
  const { t, l } = useText()
  const q = useGet<Book>(`/api/rulebook/${id}`)
  useTitle(l(q.data?.title))
  if (q.error) return <Failed problem={problemOf(q.error)} />
  if (!q.data) return <Loading />
  const b = q.data
  return (
    <>
      <h1>{l(b.title)} <small>{b.version}</small></h1>
      <div className="two">
        <div className="card">
          {b.clauses.map((c) => (
            <article key={c.id} id={c.id} className="clauserow">
              <ClauseChip id={c.id} />
              <div><p className="read">{l(c.text)}</p><small>{(c.does ?? []).map((d) => l(d.text) || l(d.label)).filter(Boolean).slice(0, 3).join('；')}　{t('fired')} {c.fired ?? 0}</small></div>
            </article>
          ))}
        </div>
        <aside>
          <section className="card"><h2>{t('params')}</h2>
            {(b.parameters ?? []).map((p) => <p key={p.id}>{l(p.label)}：<b>{p.rows?.length ? '' : typeof p.value === 'object' ? l(p.value) : String(p.value ?? '—')}</b> {p.source === 'default' && <small>{t('fromDefault')}</small>}</p>)}
          </section>
        </aside>
      </div>
    </>
  )
}
