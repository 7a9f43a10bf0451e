// Two records that are the same: which one stays, and of each field that differs which value. The one that goes ends and says where it went.
import { Button, Input } from 'antd'
import { useState } from 'react'
import { Link, useNavigate, useParams, useSearchParams } from 'react-router'
import { call, problemOf } from '../api/client'
import { recordPath, refresh, useForm, useGet } from '../api/query'
import type { Field, Form, Problem, Rec } from '../api/types'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { isoDate, parse } from '../app/time'
import { Card, Failed, Loading } from '../elements/parts'
import { Refused } from '../elements/refusal'
import { FieldInput, FieldView, idOf, masked, missing } from '../fields'
import './merge.css'

const nameOf = (r: Rec) => [r.number, r.title].filter((x, i, a) => x && a.indexOf(x) === i).join(' ')

export default function Merge() {
  const { key = '', id = '' } = useParams()
  const { t, w } = useWords()
  const [params, setParams] = useSearchParams()
  const other = params.get('with') ?? ''
  const form = useForm(key)
  const one = useGet<Rec>(recordPath(key, id), undefined, { staleTime: 5000 })
  const two = useGet<Rec>(other ? recordPath(key, other) : null, undefined, { staleTime: 5000 })
  useTitle(t('merge.title'))
  const failed = [form, one, two].find((q) => q.error && !q.data)
  if (failed) return <Failed error={failed.error} again={failed.refetch} />
  if (!form.data || !one.data || (other && !two.data)) return <Loading rows={8} />
  const into = form.data.fields.find((f) => f.id === form.data!.merge?.into)
  return (
    <div className="narrow">
      <header className="page-head"><h1>{t('merge.title')}</h1><div className="acts"><Link to={`/record/${key}/${id}`}>{t('merge.back')}</Link></div></header>
      {!into ? <p className="card pad">{t('not_here')}</p> : !two.data ? (
        <Card title={nameOf(one.data)}>
          <label htmlFor="merge-with">{t('merge.with', { what: w(form.data.label) })}</label>
          <FieldInput form={key} field={{ ...into, label: { zh: t('merge.with', { what: w(form.data.label) }), en: t('merge.with', { what: w(form.data.label) }) } }} value={null} id="merge-with" record={id} onChange={(v) => { const to = idOf(v); if (to && to !== id) setParams({ with: to }) }} />
        </Card>
      ) : <Choose key={id + other} form={form.data} one={one.data} two={two.data} />}
    </div>
  )
}

function Choose({ form: f, one, two }: { form: Form; one: Rec; two: Rec }) {
  const { t, w } = useWords()
  const go = useNavigate()
  const [stays, setStays] = useState(one.actions.open.some((a) => a.id === f.merge!.action) ? two.id : one.id)
  const [picked, setPicked] = useState<Record<string, string>>({}) // field → the record whose value stays
  const kept = `zg:merge:${one.id}:${two.id}`
  const [reason, setReason] = useState(() => sessionStorage.getItem(kept) ?? '')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const [into, from] = stays === one.id ? [one, two] : [two, one]
  const said = (r: Rec, x: Field) => JSON.stringify(missing(r.values[x.id]) ? null : idOf(r.values[x.id]) === '[object Object]' || Array.isArray(r.values[x.id]) ? r.values[x.id] : idOf(r.values[x.id]))
  const may = new Set(f.merge!.take)
  const shut = (x: Field) => [one, two].some((r) => masked(r.values[x.id]) !== null)
  const differ = f.fields.filter((x) => may.has(x.id) && said(one, x) !== said(two, x))
  const choices = differ.filter((x) => !shut(x))
  const unseen = differ.filter(shut)
  // what the one that stays has not, it takes; what both have, it keeps
  const chosen = (x: Field) => picked[x.id] ?? (missing(into.values[x.id]) ? from.id : into.id)
  const take = choices.filter((x) => chosen(x) === from.id).map((x) => x.id)
  const needed = from.actions.open.find((a) => a.id === f.merge!.action)?.reason ?? 2
  const merge = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await call('POST', `${recordPath(f.key, from.id)}/${f.merge!.action}`, { etag: from.etag, body: { values: { [f.merge!.into]: into.id }, reason: reason.trim(), take } })
      sessionStorage.removeItem(kept)
      refresh()
      go(`/record/${f.key}/${into.id}`, { replace: true })
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy(false)
  }
  const radio = (name: string, on: boolean, pick: () => void, body: React.ReactNode) => (
    <label className={`merge-way ${on ? 'on' : ''}`}><input type="radio" name={name} checked={on} onChange={pick} /> <span>{body}</span></label>
  )
  return (
    <form className="merge" onSubmit={(e) => { e.preventDefault(); void merge() }}>
      <Card title={t('merge.stays')}>
        <fieldset className="merge-pair"><legend className="sr">{t('merge.stays')}</legend>
          {[one, two].map((r) => <div key={r.id}>{radio('stays', stays === r.id, () => { setStays(r.id); setPicked({}) }, <><b>{nameOf(r)}</b><br /><span className="soft small">{w(r.state_label)}{t('semicolon')}{t('merge.since', { day: isoDate(parse(r.at) ?? 0) })}</span></>)} <Link className="small merge-open" to={`/record/${f.key}/${r.id}`}>{t('open')}</Link></div>)}
        </fieldset>
        <p className="soft">{t('merge.what', { from: nameOf(from), into: nameOf(into) })}</p>
      </Card>
      <Card title={t('merge.values')}>
        {!choices.length && <p className="soft">{t('merge.no_values')}</p>}
        {choices.map((x) => (
          <fieldset key={x.id} className="merge-field"><legend>{w(x.label)}</legend>
            <div className="merge-pair">
              {[one, two].map((r) => <div key={r.id}>{radio(x.id, chosen(x) === r.id, () => setPicked({ ...picked, [x.id]: r.id }), missing(r.values[x.id]) ? <span className="soft">{t('merge.empty')}</span> : <FieldView field={x} value={r.values[x.id]} dense />)}</div>)}
            </div>
          </fieldset>
        ))}
        {unseen.length > 0 && <p className="soft small">{t('merge.unseen', { what: unseen.map((x) => w(x.label)).join(t('comma')) })}</p>}
        {f.lines.length > 0 && <p className="soft small">{t('merge.lines', { what: f.lines.map((l) => w(l.label)).join(t('comma')) })}</p>}
      </Card>
      <Card title={t('merge.why')}>
        <label htmlFor="merge-reason" className="sr">{t('merge.why')}</label>
        <Input.TextArea id="merge-reason" rows={2} value={reason} placeholder={t('merge.why_hint', { n: needed })} onChange={(e) => { setReason(e.target.value); sessionStorage.setItem(kept, e.target.value) }} />
        <p>{t('merge.no_way_back')}</p>
        {problem && <Refused problem={problem} />}
        <div className="act-buttons"><Button type="primary" danger htmlType="submit" loading={busy} disabled={[...reason.trim()].length < needed}>{t('merge.do', { from: nameOf(from), into: nameOf(into) })}</Button></div>
      </Card>
    </form>
  )
}
