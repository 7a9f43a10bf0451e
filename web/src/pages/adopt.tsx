// Adoption: what will change for whom, from when? Roles, parameters, doubtful clauses, calendar; then the day it begins.
// Nothing is kept here but what the registers keep, so one may leave and come back after weeks.
import { Button, Checkbox, DatePicker, Input } from 'antd'
import dayjs from 'dayjs'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { call, problemOf } from '../api/client'
import { queries, useForm, useGet } from '../api/query'
import type { Book, BookRole, Param, Problem, Rec, Value } from '../api/types'
import { serverNow, useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { useMe } from '../app/session'
import { isoDate } from '../app/time'
import { ClauseChip } from '../elements/clause'
import { DryRunOf } from '../elements/dry-run'
import { ParamValue, paramWords } from '../elements/param'
import { Card, Failed, Loading, Side } from '../elements/parts'
import { People, Refused } from '../elements/refusal'
import { FieldInput, idOf } from '../fields'

export default function Adopt() {
  const { book: id } = useParams()
  const { t, w, lang } = useWords()
  const me = useMe()
  const q = useGet<Book>(`/api/rulebook/${id}`)
  const [role, setRole] = useState<BookRole | null>(null)
  const [param, setParam] = useState('')
  useTitle(q.data ? t('adopt.title', { book: w(q.data.title) }) : t('adopt.open'))
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={8} />
  const b = q.data
  if (!me.rights.includes('settings')) return <p className="card pad">{t('adopt.not_you')}</p>
  const roles = b.roles ?? []
  const empty = roles.filter((r) => r.need !== 'any' && !r.holders?.length)
  const defaults = (b.parameters ?? []).filter((p) => p.source === 'default')
  const doubtful = b.clauses.filter((c) => c.legal)
  const whole = (b.parameters ?? []).find((p) => p.id === param)
  const said = {
    roles: empty.length ? t('adopt.roles_left', { count: empty.length }) : t('adopt.roles_done'),
    params: defaults.length ? t('adopt.params_left', { count: defaults.length }) : t('adopt.params_done'),
  }
  return (
    <>
      <header className="page-head">
        <div className="titles">
          <nav className="crumbs" aria-label={t('crumbs')}><Link to="/rulebook">{t('nav.rulebook')}</Link></nav>
          <h1>{t('adopt.title', { book: w(b.title) })}</h1>
        </div>
      </header>
      {(b.adopted ?? []).map((a, i) => <p key={i} className="notice">{t('adopt.have', { unit: w(a.unit), from: a.from })}</p>)}
      <p className="soft">{t('adopt.text')}</p>
      <nav className="card pad" aria-label={t('adopt.steps')}>
        <ol className="rows">
          <li><a href="#adopt-roles">{t('adopt.roles')}</a> <span className="soft">{said.roles}</span></li>
          <li><a href="#adopt-params">{t('adopt.params')}</a> <span className="soft">{said.params}</span></li>
          <li><a href="#adopt-calendar">{t('adopt.calendar')}</a></li>
          <li><a href="#adopt-do">{t('adopt.do_step')}</a> <span className="soft">{doubtful.length ? t('adopt.legal') : ''}</span></li>
        </ol>
      </nav>
      <Card id="adopt-roles" title={t('adopt.roles')} extra={<span className="soft small">{said.roles}</span>}>
        <p className="soft">{t('adopt.roles_text')}</p>
        <p>{t('adopt.people')} <Link to="/register/base.person/new">{t('adopt.people_one')}</Link><Link className="apart" to="/register/base.person/import">{t('adopt.people_many')}</Link></p>
        <div className="table-box">
          <table className="list">
            <thead><tr><th>{t('adopt.role')}</th><th>{t('adopt.holders')}</th><th /></tr></thead>
            <tbody>
              {roles.map((r) => (
                <tr key={r.id}>
                  <td>{w(r.label)}</td>
                  <td>{r.holders?.length ? <People list={r.holders} max={12} />
                    : <><b>{t('adopt.nobody')}</b> <span className={`kind ${r.need === 'any' ? '' : 'warn'}`}>{t(r.need === 'any' ? 'adopt.optional' : 'adopt.needed')}</span>
                      {!!r.signs?.length && <div className="warn small">{t('adopt.unsigned', { what: r.signs.map((x) => w(x)).join(lang === 'zh' ? '、' : ', ') })}</div>}</>}</td>
                  <td><Button aria-label={t('adopt.appoint_to', { role: w(r.label) })} onClick={() => setRole(r)}>{t('adopt.appoint')}</Button></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Card>
      <Card id="adopt-params" title={t('adopt.params')} extra={<Link to={`/settings/${b.id}`}>{t('book.params', { count: b.parameters?.length ?? 0 })}</Link>}>
        <p className="soft">{t('adopt.params_text')}</p>
        <div className="table-box">
          <table className="list">
            <thead><tr><th>{t('parameter')}</th><th>{t('param.now')}</th><th>{t('clause')}</th></tr></thead>
            <tbody>{defaults.map((p: Param) => (
              <tr key={p.id}>
                <td><button type="button" className="link" onClick={() => setParam(p.id)}>{w(p.label)}</button></td>
                <td className="num">{p.rows ? t('param.rows', { count: p.rows.length }) : paramWords(p, lang)}</td>
                <td><ClauseChip id={p.clause ?? b.clauses.find((c) => c.params?.includes(p.id))?.id} /></td>
              </tr>
            ))}</tbody>
          </table>
        </div>
      </Card>
      <Card id="adopt-calendar" title={t('adopt.calendar')}>
        <p className="soft">{t('adopt.calendar_text')}</p>
        <p><Link to="/calendar">{t('adopt.calendar_open')}</Link><Link className="apart" to="/register/base.calendar_day/new">{t('adopt.calendar_add')}</Link></p>
      </Card>
      <Begin book={b} empty={empty.length} />
      {role && <Side title={t('adopt.appoint_to', { role: w(role.label) })} onClose={() => setRole(null)}><Appoint role={role} onDone={() => setRole(null)} /></Side>}
      {whole && <Side title={w(whole.label)} onClose={() => setParam('')} width={560}><ParamValue book={b.id} param={whole} /></Side>}
    </>
  )
}

function Appoint({ role, onDone }: { role: BookRole; onDone: () => void }) {
  const { t } = useWords()
  const form = useForm('base.role_grant')
  const [person, setPerson] = useState<Value>(null)
  const [unit, setUnit] = useState<Value>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const [asked, setAsked] = useState<Rec | null>(null) // it waits for another administrator
  const field = (id: string) => form.data?.fields.find((f) => f.id === id)
  if (!form.data) return <Loading rows={3} />
  const send = async () => {
    setBusy(true)
    setProblem(null)
    try {
      const made = await call<Rec>('POST', '/api/form/base.role_grant/record', { body: { values: { role: role.id, person: idOf(person), ...(idOf(unit) ? { unit: idOf(unit) } : {}) } } })
      void queries.invalidateQueries()
      if (made.state === 'asked') setAsked(made)
      else onDone()
    } catch (e) {
      setProblem(problemOf(e))
      setBusy(false)
    }
  }
  if (asked) return <p className="notice" role="status">{t('adopt.asked')} <Link to={`/record/base.role_grant/${asked.id}`}>{t('adopt.asked_open')}</Link></p>
  return (
    <form className="act" onSubmit={(e) => { e.preventDefault(); void send() }}>
      {problem && <Refused problem={problem} />}
      <div className="item"><label htmlFor="appoint-person">{t('adopt.person')}</label><FieldInput id="appoint-person" form="base.role_grant" field={field('person')!} value={person} onChange={setPerson} autoFocus /></div>
      <div className="item"><label htmlFor="appoint-unit">{t('adopt.unit')}</label><FieldInput id="appoint-unit" form="base.role_grant" field={field('unit')!} value={unit} onChange={setUnit} /><p className="hint">{t('adopt.unit_hint')}</p></div>
      <div className="row-actions"><Button onClick={onDone}>{t('cancel')}</Button><Button type="primary" htmlType="submit" loading={busy}>{t('adopt.appoint')}</Button></div>
    </form>
  )
}

function Begin({ book: b, empty }: { book: Book; empty: number }) {
  const { t, w } = useWords()
  const form = useForm('base.adoption')
  const [unit, setUnit] = useState<Value>(null)
  const [from, setFrom] = useState(isoDate(serverNow()))
  const [woken, setWoken] = useState<string[]>([])
  const [reason, setReason] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const [done, setDone] = useState('')
  const doubtful = b.clauses.filter((c) => c.legal)
  const field = form.data?.fields.find((f) => f.id === 'unit')
  const send = async () => {
    setBusy(true)
    setProblem(null)
    try {
      const more = woken.length ? { woken: woken.join(', '), reason } : {}
      await call('POST', '/api/form/base.adoption/record', { body: { values: { unit: idOf(unit), book: b.id, version: b.version, from, ...more } } })
      setDone(from)
      void queries.invalidateQueries()
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy(false)
  }
  return (
    <Card id="adopt-do" title={t('adopt.do_step')}>
      {done ? <p className="notice" role="status">{t('adopt.done', { from: done })} <Link to="/">{t('adopt.go')}</Link></p> : (
        <form className="act" onSubmit={(e) => { e.preventDefault(); void send() }}>
          {empty > 0 && <p className="notice amber">{t('adopt.warn', { count: empty })}</p>}
          <div className="item"><label htmlFor="adopt-unit">{t('adopt.where')}</label>{field ? <FieldInput id="adopt-unit" form="base.adoption" field={field} value={unit} onChange={setUnit} /> : <Loading rows={1} />}</div>
          <div className="item"><label htmlFor="adopt-from">{t('adopt.from')}</label><div><DatePicker id="adopt-from" value={dayjs(from)} onChange={(d) => d && setFrom(d.format('YYYY-MM-DD'))} allowClear={false} /></div></div>
          {doubtful.length > 0 && (
            <fieldset className="item">
              <legend>{t('adopt.legal')}</legend>
              <p className="soft">{t('adopt.legal_text')}</p>
              {doubtful.map((c) => (
                <div key={c.id}><Checkbox checked={woken.includes(c.id)} onChange={(e) => setWoken(e.target.checked ? [...woken, c.id] : woken.filter((x) => x !== c.id))}><span className="mono">{c.id}</span> {w(c.text)}</Checkbox></div>
              ))}
              {woken.length > 0 && <><label htmlFor="adopt-reason">{t('reason')}</label><Input.TextArea id="adopt-reason" value={reason} onChange={(e) => setReason(e.target.value)} /></>}
            </fieldset>
          )}
          <DryRunOf book={b.id} ask={{ woken }} title={t('dry.do_book')} />
          {problem && <Refused problem={problem} />}
          <div className="row-actions"><Button type="primary" htmlType="submit" loading={busy}>{t('adopt.do', { from })}</Button></div>
        </form>
      )}
    </Card>
  )
}
