// Somebody leaves: what he has, who takes it, when his account ends. One act; what is shown is what this reader sees of it.
import { Button, Input, Select } from 'antd'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { problemOf, post } from '../api/client'
import { recordPath, useForm, useGet } from '../api/query'
import type { Field, Problem, Ref, Text, Value } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { absolute, parse } from '../app/time'
import { Card, Failed, Loading } from '../elements/parts'
import { Refused } from '../elements/refusal'
import { FieldInput, idOf } from '../fields'

interface Row { id: string; name: string; label?: string; form: string }
interface Part { key: string; label: Text; count: number; rows: Row[] }
interface Handing { person: { id: string; name: string }; parts: Part[]; limits: number }

const key = 'base.person'
const SHOWN = 5 // of a kind before the rest folds
type Choice = { how: 'other' | 'none'; who: Value }

export default function Leave() {
  const { id = '' } = useParams()
  const { t, w, lang } = useWords()
  const now = useNow()
  const form = useForm(key)
  const [successor, setSuccessor] = useState<Value>(null)
  const [ends, setEnds] = useState<Value>(null)
  const [other, setOther] = useState<Record<string, Choice>>({})
  const [typed, setTyped] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [done, setDone] = useState<{ name: string; text: string } | null>(null)
  const q = useGet<Handing>(done ? null : `/api/person/${id}/handing`)
  const name = done?.name ?? q.data?.person.name ?? ''
  useTitle(name && t('leave.title', { name }))
  const head = (
    <header className="page-head">
      <div className="titles"><nav className="crumbs"><Link to="/register/base.person">{t('people.title')}</Link> <Link to={`/people/${id}`}>{name}</Link></nav><h1>{t('leave.title', { name })}</h1></div>
    </header>
  )
  if (done) return <div className="narrow">{head}<p className="notice" role="status">{done.text} <Link to={`/record/${key}/${id}`}>{t('leave.back')}</Link></p></div>
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data || !form.data) return <Loading rows={6} />
  const field = (of: string) => form.data.fields.find((f) => f.id === of)!
  const line = form.data.lines.find((l) => l.id === 'heirs')!
  const who: Field = { ...line.fields.find((f) => f.id === 'who')!, line: 'heirs' }
  const at = parse(idOf(ends))
  const submit = async () => {
    setBusy(true)
    setProblem(null)
    try {
      const heirs = Object.entries(other).map(([what, c]) => ({ what, who: c.how === 'none' ? null : idOf(c.who) || null }))
      await post(`${recordPath(key, id)}/leave`, { values: { successor: idOf(successor) || null, ends_at: idOf(ends) || null }, lines: { heirs } })
      const to = String((successor as Ref | null)?.label ?? '')
      setDone({ name, text: at === null ? t('leave.done', { to }) : t('leave.done_later', { to, at: absolute(at, now, lang) }) })
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy(false)
  }
  const choose = (k: string, v: string) => setOther((o) => {
    const next = { ...o }
    delete next[k]
    if (v !== 'same') next[k] = { how: v as Choice['how'], who: null }
    return next
  })
  const named = (r: Row) => <li key={r.id}><Link to={`/record/${r.form}/${r.id}`}>{lang === 'en' && r.label ? r.label : r.name}</Link></li>
  return (
    <div className="narrow">
      {head}
      <p>{t('leave.text')}</p>
      {problem && <Refused problem={problem} />}
      <form onSubmit={(e) => { e.preventDefault(); void submit() }}>
        <Card>
          {(['successor', 'ends_at'] as const).map((f) => (
            <div className="item" key={f}>
              <label htmlFor={`leave-${f}`}>{w(field(f).label)}</label>
              <FieldInput form={key} field={field(f)} id={`leave-${f}`} value={f === 'successor' ? successor : ends} onChange={f === 'successor' ? setSuccessor : setEnds} describedBy={`leave-${f}-hint`} />
              <small id={`leave-${f}-hint`} className="soft">{w(field(f).hint)}</small>
            </div>
          ))}
        </Card>
        <Card title={t('leave.what')}>
          {q.data.parts.length === 0 && <p>{t('leave.nothing')}</p>}
          {q.data.parts.map((p) => (
            <section key={p.key} className="leave-part">
              <h3>{w(p.label)} <small className="soft">{t('leave.count', { total: p.count })}</small></h3>
              <ul className="rows">{p.rows.slice(0, SHOWN).map(named)}</ul>
              {p.count > SHOWN && (
                <details>
                  <summary>{t('leave.more', { total: p.count - SHOWN })}</summary>
                  <ul className="rows">
                    {p.rows.slice(SHOWN).map(named)}
                    {p.count > p.rows.length && <li className="soft">{t('leave.more', { total: p.count - p.rows.length })}</li>}
                  </ul>
                </details>
              )}
              <div className="item">
                <label htmlFor={`leave-${p.key}`}>{t('leave.to', { what: w(p.label) })}</label>
                <Select id={`leave-${p.key}`} style={{ width: '100%' }} value={other[p.key]?.how ?? 'same'} onChange={(v) => choose(p.key, v)}
                  options={[{ value: 'same', label: t('leave.same') }, { value: 'other', label: t('leave.other') }, { value: 'none', label: t('leave.none') }]} />
              </div>
              {other[p.key]?.how === 'other' && (
                <div className="item">
                  <label htmlFor={`leave-${p.key}-who`}>{w(who.label)}</label>
                  <FieldInput form={key} field={who} id={`leave-${p.key}-who`} value={other[p.key].who} onChange={(v) => setOther((o) => ({ ...o, [p.key]: { how: 'other', who: v } }))} />
                </div>
              )}
            </section>
          ))}
          {q.data.limits > 0 && <p>{t('leave.limits', { total: q.data.limits })}</p>}
          <p className="soft small">{t('leave.unseen')}</p>
        </Card>
        <div className="item"><label htmlFor="leave-name">{t('leave.confirm', { name })}</label><Input id="leave-name" autoComplete="off" value={typed} onChange={(e) => setTyped(e.target.value)} /></div>
        <div className="row-actions"><Button danger type="primary" htmlType="submit" loading={busy} disabled={typed.trim() !== name || Object.values(other).some((c) => c.how === 'other' && !idOf(c.who))}>{t(at === null ? 'leave.do' : 'leave.do_later')}</Button><Link to={`/people/${id}`}>{t('cancel')}</Link></div>
      </form>
    </div>
  )
}
