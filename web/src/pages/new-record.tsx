// A new record: only what is required first; kept as a draft until it is filed; never twice.
import { Button } from 'antd'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useNavigate, useParams, useSearchParams } from 'react-router'
import { call, newKey, problemOf } from '../api/client'
import { recordPath, refresh, useForm, useGet } from '../api/query'
import type { ActionDef, Page, Problem, Rec, Row } from '../api/types'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { useKeys } from '../app/keys'
import { useMe } from '../app/session'
import { clockTime } from '../app/time'
import { ClauseChip } from '../elements/clause'
import { blank, draftKey, useDraft } from '../elements/draft'
import { Fill, focusField, sendable, type Ask } from '../elements/fill'
import { Card, Failed, Loading } from '../elements/parts'
import { Refused } from '../elements/refusal'
import { Link } from 'react-router'
import { idOf, missing } from '../fields'

export default function NewRecord() {
  const { key = '' } = useParams()
  const { t, w } = useWords()
  const me = useMe()
  const go = useNavigate()
  const [params] = useSearchParams()
  const form = useForm(key)
  const { draft, change, drop, restored } = useDraft(draftKey(me.person.account, key, 'new', 'create'), () => blank())
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const intent = useRef({ key: newKey(), of: '' })
  const top = useRef<HTMLDivElement>(null)
  useTitle(form.data ? t('new_of', { what: w(form.data.label) }) : '')
  const f = form.data
  // what the address gives is not asked again: /register/14.petition/new?complaint=…
  useEffect(() => {
    if (!f || restored) return
    const given = Object.fromEntries(f.fields.filter((x) => params.has(x.id)).map((x) => [x.id, x.form ? { id: params.get(x.id)!, label: params.get(x.id + '.label') ?? params.get(x.id) } : params.get(x.id)]))
    if (Object.keys(given).length) change({ values: { ...given, ...draft.values } })
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [f?.key])
  const { first, more, lines } = useMemo(() => {
    if (!f) return { first: [] as Ask[], more: [] as { id: string; label: unknown; asks: Ask[] }[], lines: [] as NonNullable<typeof f>['lines'] }
    const asked = f.new?.asks ?? f.fields.filter((x) => !x.computed).map((x) => ({ field: x.id, required: !!x.required }))
    const all = asked.flatMap((x): Ask[] => {
      const field = f.fields.find((y) => y.id === x.field)
      return field && !field.computed ? [{ ...x, field }] : []
    })
    const must = all.filter((x) => x.required || x.later)
    const head = f.sections[0]?.fields ?? all.slice(0, 12).map((x) => x.field.id)
    const first = must.length ? must : all.filter((x) => head.includes(x.field.id))
    const inSection = (id: string) => f.sections.find((s) => s.fields.includes(id))
    const groups = new Map<string, { id: string; label: unknown; asks: Ask[] }>()
    for (const x of all.filter((y) => !first.includes(y))) {
      const s = inSection(x.field.id)
      const g = groups.get(s?.id ?? 'rest') ?? { id: s?.id ?? 'rest', label: s?.label ?? '', asks: [] }
      g.asks.push(x)
      groups.set(g.id, g)
    }
    return { first, more: [...groups.values()], lines: f.lines.filter((l) => asked.some((x) => x.field === l.id)) }
  }, [f])
  const send = async (on?: ActionDef) => {
    if (!f || busy) return
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
    const lacks = on ? all.filter((a) => (a.required || a.later) && missing(draft.values[a.field.id])) : []
    if (lacks.length)
      return point({ kind: 'refused', status: 422, group: 'fill', title: t('new.lacks', { count: lacks.length }), items: lacks.map((a) => ({ field: a.field.id, clause: a.clause, say: t('new.lacks_field', { what: w(a.label) || w(a.field.label) }) })) })
    setBusy(true)
    const body = sendable(all, lines, draft)
    const of = JSON.stringify(body)
    if (intent.current.of !== of) intent.current = { key: newKey(), of }
    try {
      const made = await call<Rec>('POST', `/api/form/${key}/record`, { body, key: intent.current.key })
      // it is kept now; what forbids sending it on is said on its page
      const refused = on ? await call('POST', `${recordPath(key, made.id)}/${on.id}`, { body: {}, key: newKey(), etag: made.etag }).then(() => null, problemOf) : null
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
  const on = f?.new?.send
  useKeys({ 'mod+Enter': () => void send(on) })
  if (form.error) return <Failed error={form.error} again={form.refetch} />
  if (!f) return <Loading rows={8} />
  const named = f.fields.find((x) => ['text', 'phone', 'uscc'].includes(x.type) && !x.computed)
  return (
    <div ref={top} className="narrow">
      <header className="page-head">
        <div className="titles">
          <nav className="crumbs" aria-label={t('crumbs')}><Link to={`/register/${key}`}>{w(f.label)}</Link> <ClauseChip id={f.clause} /></nav>
          <h1>{t('new_of', { what: w(f.label) })}</h1>
        </div>
      </header>
      {restored && draft.at > 0 && !problem && (
        <p className="notice">{t('draft.restored', { at: clockTime(draft.at) })} <button type="button" className="link" onClick={() => drop(blank())}>{t('draft.discard')}</button></p>
      )}
      {problem && <Refused problem={problem} kept={draft.at > 0} onField={(x) => focusField('new', x)} />}
      <Card>
        <Fill form={key} prefix="new" asks={first} lines={[]} draft={draft} onChange={change} problem={problem} autoFocus foldOptional={first.filter((a) => a.required || a.later).length > 3} />
        {named && <Alike form={key} name={idOf(draft.values[named.id])} />}
      </Card>
      {lines.map((l) => <Card key={l.id}><Fill form={key} prefix="new" asks={[]} lines={[l]} draft={draft} onChange={change} problem={problem} /></Card>)}
      {more.map((g) => (
        <details className="card fold" key={g.id} open={g.asks.some((a) => problem?.items?.some((i) => i.field === a.field.id)) || undefined}>
          <summary>{w(g.label) || t('fill.others')} <span className="soft small">{t('fill.optional_n', { count: g.asks.length })}</span></summary>
          <div className="body"><Fill form={key} prefix="new" asks={g.asks} lines={[]} draft={draft} onChange={change} problem={problem} foldOptional={false} /></div>
        </details>
      ))}
      <div className="act-buttons sticky">
        {draft.at > 0 && <span className="soft small saved">{t('draft.saved', { at: clockTime(draft.at) })}</span>}
        <Button onClick={() => go(-1)}>{draft.at > 0 ? t('draft.keep') : t('cancel')}</Button>
        <Button type={on ? 'default' : 'primary'} loading={!on && busy} disabled={busy} onClick={() => void send()}>{on ? t('new.keep') : w(f.actions.find((a) => a.id === 'create')?.label) || t('content.file')}</Button>
        {on && <Button type="primary" loading={busy} onClick={() => void send(on)}>{w(on.label)}</Button>}
      </div>
    </div>
  )
}

/** Something like it is there already. */
function Alike({ form, name }: { form: string; name: string }) {
  const { t } = useWords()
  const [q, setQ] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => setQ(name.trim().length >= 3 ? name.trim() : ''), 400)
    return () => clearTimeout(timer)
  }, [name])
  const found = useGet<Page<Row>>(q ? `/api/form/${form}/record` : null, { q, limit: 3 })
  if (!q || !found.data?.rows.length) return null
  return (
    <p className="notice amber" role="status">
      {t('alike')}{' '}
      {found.data.rows.map((r) => <Link key={r.id} to={`/record/${form}/${r.id}`}>{[r.number, r.title].filter(Boolean).join(' ')}　</Link>)}
    </p>
  )
}
