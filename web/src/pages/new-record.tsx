// A new record: only what is required first; kept as a draft until it is filed; never twice.
import { useQuery } from '@tanstack/react-query'
import { Button } from 'antd'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useNavigate, useParams, useSearchParams } from 'react-router'
import { call, newKey, post, problemOf } from '../api/client'
import { recordPath, refresh, useForm, useGet } from '../api/query'
import type { ActionDef, AlikeRow, Form, NewDef, Page, Problem, Rec, Row, Values } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { cel } from '../app/filter'
import { useWords } from '../app/i18n'
import { useUploading } from '../app/uploads'
import { useKeys } from '../app/keys'
import { useMe } from '../app/session'
import { clockTime, isoDate } from '../app/time'
import { ClauseChip } from '../elements/clause'
import { blank, draftKey, freeSlot, PARKED, slotId, slotOf, useDraft, useParked } from '../elements/draft'
import { bySection, FEW, Fill, focusField, sendable, type Ask } from '../elements/fill'
import { Card, Empty, Failed, Loading } from '../elements/parts'
import { Parked } from '../elements/parked'
import { Refused } from '../elements/refusal'
import { Link } from 'react-router'
import { idOf, missing } from '../fields'

export default function NewRecord() {
  const { key = '' } = useParams()
  const { t, w } = useWords()
  const { account } = useMe().person
  const [params] = useSearchParams()
  const form = useForm(key, [...params].find(([k]) => k !== 'draft' && !k.includes('.'))?.[1])
  const list = useParked(account)
  const f = form.data
  // what the address gives is not asked again: /register/14.petition/new?complaint=…
  const given = useMemo(() => Object.fromEntries((f?.fields ?? []).filter((x) => params.has(x.id)).map((x) => [x.id, x.form ? { id: params.get(x.id)!, label: params.get(x.id + '.label') ?? params.get(x.id) } : params.get(x.id)])), [f, params])
  const [asked, setAsked] = useState<{ at: string; slot: number }>()
  if (form.error) return <Failed error={form.error} again={form.refetch} />
  if (!f) return <Loading rows={8} />
  if (!f.new)
    return (
      <div className="narrow">
        <header className="page-head"><h1>{t('new_of', { what: w(f.label) })}</h1></header>
        <Empty>{t('new.not_yours', { what: w(f.label) })}</Empty>
      </div>
    )
  const at = `${key}?${params}`
  if (asked?.at !== at) {
    // a draft about the same is gone on with; one about something else is left where it is
    const fits = list.find((d) => d.form === key && Object.entries(given).every(([k, v]) => idOf(d.values[k]) === idOf(v)))
    setAsked({ at, slot: Number(params.get('draft')) || (Object.keys(given).length ? (fits ? slotOf(fits.id) : freeSlot(account, key)) : 1) })
    return null
  }
  return <NewForm key={key + asked.slot} form={f} slot={asked.slot} given={given} />
}

/** What stands in a new record before anybody writes: what the server would put there, where nothing else decides it. */
const usual = (f: Form, now: number): Values => Object.fromEntries((f.new?.asks ?? []).filter((a) => a.value !== undefined && a.value !== null).map((a) => [a.field, a.value === 'today' && f.fields.find((x) => x.id === a.field)?.type === 'date' ? isoDate(now) : a.value]))

const equal = (a: unknown, b: unknown) => JSON.stringify(a ?? null) === JSON.stringify(b ?? null)

function NewForm({ form, slot, given }: { form: Form; slot: number; given: Values }) {
  const key = form.key
  const { t, w } = useWords()
  const me = useMe()
  const go = useNavigate()
  const list = useParked(me.person.account)
  const now = useNow()
  const empty = () => ({ ...blank({ ...usual(form, now), ...given }), usual: usual(form, now) })
  const { draft, change, drop, restored } = useDraft(draftKey(me.person.account, key, slotId(slot), 'create'), empty)
  // what is filed to a record of the same regulation asks what that record's text says, which may be an earlier one
  const parent = form.fields.find((x) => x.type === 'ref' && x.required && x.form !== key && x.form?.split('.')[0] === key.split('.')[0] && !missing(draft.values[x.id]))
  const under = useForm(key, parent && idOf(draft.values[parent.id]))
  const f = under.data ?? form
  // and what stands there by itself, where nobody has written over it, is what that text puts there
  useEffect(() => {
    const own = under.data && usual(under.data, now)
    const was = draft.usual ?? {}
    const left = own && Object.keys({ ...was, ...own }).filter((k) => !equal(was[k], own[k]) && equal(draft.values[k], was[k]))
    if (left?.length) change((d) => ({ values: { ...d.values, ...Object.fromEntries(left.map((k) => [k, own![k] ?? null])) }, usual: own }))
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [under.data])
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const uploading = useUploading()
  const intent = useRef({ key: newKey(), of: '' })
  const top = useRef<HTMLDivElement>(null)
  useTitle(t('new_of', { what: w(f.label) }))
  const { first, more, lines } = useMemo(() => {
    const asked = f.new?.asks ?? f.fields.filter((x) => !x.computed).map((x): NewDef['asks'][number] => ({ field: x.id, required: !!x.required }))
    const all = asked.flatMap((x): Ask[] => {
      const field = f.fields.find((y) => y.id === x.field)
      return field && !field.computed ? [{ ...x, field: x.not ? { ...field, options: field.options?.filter((o) => !x.not!.includes(o.id)) } : field }] : []
    })
    const must = all.filter((x) => x.required || x.later)
    const head = f.sections[0]?.fields ?? all.slice(0, 12).map((x) => x.field.id)
    const first = all.length <= FEW ? all : all.filter((x) => must.includes(x) || must.length < 3 && head.includes(x.field.id)) // a name alone says little of what is filed
    return { first, more: bySection(f.sections, all.filter((x) => !first.includes(x))), lines: f.lines.filter((l) => asked.some((x) => x.field === l.id)) }
  }, [f])
  const send = async (on?: ActionDef) => {
    if (busy || uploading) return
    setProblem(null)
    const all = [...first, ...more.flatMap((g) => g.asks)]
    const point = (p: Problem) => {
      setProblem(p)
      requestAnimationFrame(() => {
        const alert = top.current?.querySelector<HTMLElement>('[role=alert]')
        alert?.setAttribute('tabindex', '-1')
        alert?.focus()
      })
    }
    const lacks = on ? all.filter((a) => (a.required || a.later) && missing(draft.values[a.field.id]) && !a.field.default) : []
    if (lacks.length)
      return point({ kind: 'refused', status: 422, group: 'fill', title: t('new.lacks', { count: lacks.length }), items: lacks.map((a) => ({ field: a.field.id, clause: a.clause, say: t('new.lacks_field', { what: w(a.label) || w(a.field.label) }) })) })
    setBusy(true)
    const body = sendable(all, lines, draft)
    const of = JSON.stringify(body)
    if (intent.current.of !== of) intent.current = { key: newKey(), of }
    try {
      const made = await call<Rec>('POST', `/api/form/${key}/record`, { body, key: intent.current.key })
      // it is kept now; what forbids sending it on is said on its page
      // it may have gone on by itself: what its filer is to do next is on its page
      const refused = on && made.state === f.states[0]?.id ? await call('POST', `${recordPath(key, made.id)}/${on.id}`, { body: {}, key: newKey(), etag: made.etag }).then(() => null, problemOf) : null
      drop()
      refresh()
      go(`/record/${key}/${made.id}`, { replace: true, state: refused ? { problem: refused } : undefined })
    } catch (e) {
      const p = problemOf(e)
      if (p.kind !== 'offline') intent.current = { key: newKey(), of: '' }
      setBusy(false)
      point(p)
    }
  }
  const on = f.new?.send
  const nowhere = problem?.kind === 'refused' && !!problem.items?.length && !problem.items.some((i) => i.field) // what is missing may stand in any fold
  useKeys({ 'mod+Enter': () => void send(on) })
  // the same two things were reported before: a second paper about one matter
  const same = first.map((a) => a.field).filter((x) => x.type === 'ref' && !missing(draft.values[x.id])).slice(0, 2)
  const named = f.fields.find((x) => ['text', 'phone', 'uscc'].includes(x.type) && !x.computed)
  const head = (
    <>
      <header className="page-head">
        <div className="titles">
          <nav className="crumbs" aria-label={t('crumbs')}><Link to={`/register/${key}`}>{w(f.label)}</Link> <ClauseChip id={f.clause} /></nav>
          <h1>{t('new_of', { what: w(f.label) })}</h1>
        </div>
      </header>
      <Parked form={key} slot={slot} onDrop={() => drop(empty())} />
    </>
  )
  if (draft.at === 0 && list.length >= PARKED) return <div className="narrow">{head}</div>
  return (
    <div ref={top} className="narrow">
      {head}
      {restored && draft.at > 0 && !problem && (
        <p className="notice">{t('draft.restored', { at: clockTime(draft.at) })} <button type="button" className="link" onClick={() => drop(empty())}>{t('draft.discard')}</button></p>
      )}
      {problem && <Refused problem={problem} kept={draft.at > 0} onField={(x) => focusField('new', x)} />}
      <Card>
        <Fill form={key} prefix="new" asks={first} lines={[]} draft={draft} onChange={change} problem={problem} autoFocus foldOptional={false} />
        {f.central ? <There form={f} draft={draft} /> : named && <Alike form={key} q={idOf(draft.values[named.id])} say={t('alike')} />}
        {same.length > 1 && <Alike form={key} filter={cel(same.map((x) => ({ field: x.id, op: 'is', value: idOf(draft.values[x.id]) })), same)} say={t('alike.same')} />}
      </Card>
      {lines.map((l) => <Card key={l.id}><Fill form={key} prefix="new" asks={[]} lines={[l]} draft={draft} onChange={change} problem={problem} /></Card>)}
      {more.map((g) => (
        <details className="card fold" key={g.id} open={nowhere || g.asks.some((a) => problem?.items?.some((i) => i.field === a.field.id)) || undefined}>
          <summary>{w(g.label) || t('fill.others')} <span className="soft small">{t('fill.optional_n', { count: g.asks.length })}</span></summary>
          <div className="body"><Fill form={key} prefix="new" asks={g.asks} lines={[]} draft={draft} onChange={change} problem={problem} foldOptional={false} /></div>
        </details>
      ))}
      <div className="act-buttons sticky">
        {draft.at > 0 && <span className="soft small saved">{t('draft.saved', { at: clockTime(draft.at) })}</span>}
        <Button onClick={() => go(-1)}>{draft.at > 0 ? t('draft.keep') : t('cancel')}</Button>
        <Button type={on ? 'default' : 'primary'} loading={!on && busy} disabled={busy || uploading} onClick={() => void send()}>{on ? t('new.keep') : w(f.actions.find((a) => a.id === 'create')?.label) || t('content.file')}</Button>
        {on && <Button type="primary" loading={busy} disabled={uploading} onClick={() => void send(on)}>{w(on.label)}</Button>}
      </div>
    </div>
  )
}

/** Who may be there already, by which field; he can be opened, or the new one filed all the same. */
function There({ form: f, draft }: { form: Form; draft: { values: Values; lines: Record<string, Values[]> } }) {
  const { t, w } = useWords()
  const texts = (fields: Form['fields'], values: Values) => Object.fromEntries(fields.filter((x) => ['text', 'phone', 'email', 'uscc', 'idno'].includes(x.type) && typeof values[x.id] === 'string' && String(values[x.id]).trim().length > 1).map((x) => [x.id, values[x.id]]))
  const typed = JSON.stringify({ values: texts(f.fields, draft.values), lines: Object.fromEntries(f.lines.map((l) => [l.id, (draft.lines[l.id] ?? []).map((r) => texts(l.fields, r))])) })
  const [asked, setAsked] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setAsked(typed), 400)
    return () => clearTimeout(timer)
  }, [typed])
  const some = /:"/.test(asked)
  const found = useQuery<AlikeRow[]>({ queryKey: [`/api/form/${f.key}/alike`, asked], queryFn: () => post<AlikeRow[]>(`/api/form/${f.key}/alike`, JSON.parse(asked)), enabled: some, placeholderData: (x) => x })
  if (!some || !found.data?.length) return null
  return (
    <div className="notice amber" role="status">
      {t('alike')}
      <ul>
        {found.data.map((r) => (
          <li key={r.id}><Link to={`/record/${r.form}/${r.id}`}>{[r.number, r.title].filter(Boolean).join(' ')}</Link> <span className="soft small">{w(r.state_label)}{t('semicolon')}{r.why.map((x) => t(x.same ? 'alike.field_same' : 'alike.field_near', { what: w(x.label) })).join(t('comma'))}</span></li>
        ))}
      </ul>
    </div>
  )
}

/** Something like it is there already. */
function Alike({ form, q = '', filter = '', say }: { form: string; q?: string; filter?: string; say: string }) {
  const { t, w } = useWords()
  const [asked, setAsked] = useState({ q: '', filter: '' })
  useEffect(() => {
    const timer = setTimeout(() => setAsked({ q: q.trim().length >= 3 ? q.trim() : '', filter }), 400)
    return () => clearTimeout(timer)
  }, [q, filter])
  const found = useGet<Page<Row>>(asked.q || asked.filter ? `/api/form/${form}/record` : null, { ...asked, limit: 3, sort: asked.filter ? '-at' : undefined })
  if (!(asked.q || asked.filter) || !found.data?.rows.length) return null
  return (
    <p className="notice amber" role="status">
      {say}{' '}
      {found.data.rows.map((r) => <span key={r.id} className="nowrap"><Link to={`/record/${form}/${r.id}`}>{[r.number, r.title].filter(Boolean).join(' ')}</Link>{asked.filter && r.state_label ? t('paren', { text: w(r.state_label) }) : ''}　</span>)}
    </p>
  )
}
