// A register: which ones, and which of them first? The whole state stands in the address.
import { DownloadOutlined, FilterOutlined, SettingOutlined } from '@ant-design/icons'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Button, Checkbox, Input, Popover } from 'antd'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { Link, useLocation, useNavigate, useParams, useSearchParams } from 'react-router'
import { call, get, problemOf, Refusal, url } from '../api/client'
import { recordPath, refresh, useForm, useForms } from '../api/query'
import type { ActionDef, Field, Form, Page, Row } from '../api/types'
import { useTitle } from '../app/clock'
import { usePhone, useRemembered } from '../app/device'
import { cel, filterable, fromParam, opsOf, toParam, type Chip } from '../app/filter'
import { useWords } from '../app/i18n'
import { composing, useKeys } from '../app/keys'
import { addUp, money } from '../app/money'
import { ClauseChip } from '../elements/clause'
import { Deadline } from '../elements/deadline'
import { Empty, Failed, Loading, Side } from '../elements/parts'
import { Refused } from '../elements/refusal'
import { FieldInput, FieldView, idOf, kindOf } from '../fields'
import { plain } from '../fields/plain'

type Named = Chip & { label?: string }
interface Saved { name: string; search: string }
const PAGE = 50

export default function List() {
  const { key = '' } = useParams()
  const { t, w } = useWords()
  const form = useForm(key)
  useTitle(w(form.data?.label) || t('nav.registers'))
  if (form.error) return <Failed error={form.error} again={form.refetch} />
  if (!form.data) return <Loading rows={10} />
  return <Rows key={key} form={form.data} />
}

function Rows({ form: f }: { form: Form }) {
  const { t, w, lang } = useWords()
  const go = useNavigate()
  const where = useLocation()
  const phone = usePhone()
  const [params, setParams] = useSearchParams()
  const brief = useForms().data?.find((x) => x.key === f.key)
  const [saved, setSaved] = useRemembered<Saved[]>(`zg:views:${f.key}`, [])
  const [typed, setTyped] = useState(params.get('q') ?? '')
  const [ticked, setTicked] = useState<Set<string>>(new Set())
  const [adding, setAdding] = useState(false)
  const [at, setAt] = useState(-1)
  const box = useRef<HTMLDivElement>(null)

  const view = f.views.find((v) => v.id === params.get('view'))
  const chips = params.getAll('f').map(fromParam).filter((c): c is Named => !!c)
  const q = params.get('q') ?? ''
  const sort = params.get('sort') ?? view?.sort ?? ''
  const filter = cel(chips, f.fields)
  const columns = useMemo(() => {
    const ids = params.get('cols')?.split(',') ?? (view?.columns?.length ? view.columns : f.columns)
    return ids.filter((x) => !['number', 'state', 'title', 'holder', 'due'].includes(x)).map((x) => f.fields.find((y) => y.id === x)).filter((x): x is Field => !!x).slice(0, params.has('cols') ? 20 : 6)
  }, [params, view, f])
  const query = { view: view?.id, q, filter, sort, limit: PAGE, count: 1 }
  const rows = useInfiniteQuery<Page<Row>, Refusal>({
    queryKey: [`/api/form/${f.key}/record`, query],
    queryFn: ({ pageParam, signal }) => get<Page<Row>>(`/api/form/${f.key}/record`, { ...query, count: pageParam ? undefined : 1, cursor: pageParam as string | undefined }, signal),
    initialPageParam: '' as unknown,
    getNextPageParam: (p) => p.next || undefined,
    placeholderData: (x) => x,
  })
  const list = rows.data?.pages.flatMap((p) => p.rows) ?? []
  const total = rows.data?.pages[0]?.total
  const put = (change: (p: URLSearchParams) => void, replace = false) => {
    const p = new URLSearchParams(params)
    change(p)
    setParams(p, { replace })
    setTicked(new Set())
  }
  const setChips = (next: Named[]) => put((p) => { p.delete('f'); next.forEach((c) => p.append('f', toParam(c))) })

  // back from a record: the same place, and the row one came from is marked
  const mark = `zg:list:${where.pathname}${where.search}`
  const read = () => { try { return JSON.parse(sessionStorage.getItem(mark) ?? 'null') as { y: number; id: string } | null } catch { return null } }
  const [came, setCame] = useState(read)
  const restored = useRef(false)
  useLayoutEffect(() => {
    if (restored.current || !came || !list.length) return
    restored.current = true
    window.scrollTo(0, came.y)
  }, [came, list.length])
  const leave = (id: string) => {
    const place = { y: window.scrollY, id }
    setCame(place)
    restored.current = true
    try { sessionStorage.setItem(mark, JSON.stringify(place)) } catch { /* the place is then not kept */ }
  }
  const toRecord = (r: Row) => { leave(r.id); go(`/record/${f.key}/${r.id}`, { state: { list: list.map((x) => x.id) } }) }

  useEffect(() => {
    if (typed === q) return
    const timer = setTimeout(() => put((p) => { if (typed.trim()) p.set('q', typed.trim()); else p.delete('q') }, true), 250)
    return () => clearTimeout(timer)
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [typed])

  const bulk = f.actions.filter((a) => a.bulk)
  const canTick = f.actions.length > 0 && !phone
  const tick = (id: string) => setTicked((s) => { const n = new Set(s); if (n.has(id)) n.delete(id); else n.add(id); return n })
  const move = (n: number) => {
    const i = Math.max(0, Math.min(list.length - 1, n))
    setAt(i)
    box.current?.querySelectorAll<HTMLElement>('[data-row]')[i]?.scrollIntoView({ block: 'nearest' })
  }
  useKeys({
    j: () => move(at + 1),
    k: () => move(at - 1),
    Enter: () => list[at] && toRecord(list[at]),
    o: () => list[at] && toRecord(list[at]),
    x: () => list[at] && tick(list[at].id),
    a: () => setTicked(new Set(list.map((r) => r.id))),
    f: () => setAdding(true),
    Escape: () => setTicked(new Set()),
  })
  const head = (id: string, label: string, align?: string) => {
    const on = sort.replace(/^-/, '') === id
    const down = sort.startsWith('-')
    return (
      <th key={id} className={align} aria-sort={on ? (down ? 'descending' : 'ascending') : undefined}>
        <button type="button" onClick={() => put((p) => p.set('sort', on && !down ? '-' + id : id))}>{label}{on && <span aria-hidden="true"> {down ? '↓' : '↑'}</span>}</button>
      </th>
    )
  }
  const sum = columns.find((c) => c.type === 'money')
  const numbered = brief?.number ?? true
  const changed = !!chips.length || !!q || params.has('sort') || params.has('cols')
  const name = (r: Row) => r.title || r.number || t('list.unnumbered')
  return (
    <div ref={box}>
      <header className="page-head">
        <div className="titles">
          <h1>{w(f.label)} <ClauseChip id={f.clause} /></h1>
        </div>
        <div className="acts">
          {!phone && <Button icon={<DownloadOutlined />} href={url(`/api/form/${f.key}/record.xlsx`, { view: view?.id, q, filter, sort })} download>{t('export')}</Button>}
          {brief?.can_create && <Button type="primary" onClick={() => go(`/register/${f.key}/new`)}>{t('new_of', { what: w(f.label) })}</Button>}
        </div>
      </header>
      {(f.views.length > 0 || saved.length > 0) && (
        <div className="tabs" role="tablist" aria-label={t('list.views')}>
          <button type="button" role="tab" aria-selected={!view && !params.get('mine')} className={!view && !params.get('mine') ? 'on' : ''} onClick={() => setParams({})}>{t('all')}</button>
          {f.views.map((v) => <button key={v.id} type="button" role="tab" aria-selected={view?.id === v.id} className={view?.id === v.id ? 'on' : ''} onClick={() => setParams({ view: v.id })}>{w(v.label)}</button>)}
          {saved.map((v) => (
            <span key={v.name} className={`mine ${params.get('mine') === v.name ? 'on' : ''}`}>
              <button type="button" role="tab" aria-selected={params.get('mine') === v.name} onClick={() => setParams(new URLSearchParams(v.search))}>{v.name}</button>
              {params.get('mine') === v.name && <button type="button" className="drop" aria-label={t('list.drop_view', { name: v.name })} onClick={() => { setSaved(saved.filter((x) => x.name !== v.name)); setParams({}) }}>✕</button>}
            </span>
          ))}
        </div>
      )}
      <div className="filters">
        <Input className="find" allowClear placeholder={t('list.find')} aria-label={t('list.find')} value={typed} onChange={(e) => setTyped(e.target.value)} onKeyDown={(e) => { if (e.key === 'Enter' && !composing(e)) e.currentTarget.blur() }} />
        {chips.map((c, i) => (
          <span className="filter" key={i}>
            <ChipWords chip={c} form={f} />
            <button type="button" aria-label={t('list.drop_filter')} onClick={() => setChips(chips.filter((_, k) => k !== i))}>✕</button>
          </span>
        ))}
        <Button icon={<FilterOutlined />} onClick={() => setAdding(true)}>{t('filter')}</Button>
        {!phone && <Columns form={f} chosen={columns.map((c) => c.id)} onChange={(ids) => put((p) => p.set('cols', ids.join(',')))} onReset={() => put((p) => p.delete('cols'))} />}
        {changed && (
          <SaveView
            onSave={(n) => {
              const p = new URLSearchParams(params)
              p.set('mine', n)
              setSaved([...saved.filter((x) => x.name !== n), { name: n, search: p.toString() }])
              setParams(p)
            }}
            onReset={() => { setTyped(''); setParams(view ? { view: view.id } : {}) }}
          />
        )}
      </div>
      <p className="total soft" aria-live="polite">
        {rows.data ? (rows.data.pages[0]?.more_than ? t('list.more_than', { n: total ?? 10000 }) : total !== null && total !== undefined ? t('list.total', { count: total }) : t('list.shown', { count: list.length })) : ' '}
        {sum && list.length > 0 && list.length === total && t('list.sum', { what: w(sum.label), sum: money(addUp(list.map((r) => idOf(r.values[sum.id])))) })}
      </p>
      {rows.error && !rows.data ? <Failed error={rows.error} again={rows.refetch} /> : !rows.data ? <Loading rows={12} /> : !list.length ? (
        <section className="card"><Empty>
          {chips.length || q ? (
            <>
              {t('list.none')} {q && <button type="button" className="link" onClick={() => setTyped('')}>{t('list.without', { what: q })}</button>}
              {chips.map((c, i) => <button key={i} type="button" className="link" onClick={() => setChips(chips.filter((_, k) => k !== i))}>{t('list.without', { what: '' })}<ChipWords chip={c} form={f} /></button>)}
            </>
          ) : (
            <>{view ? t('list.empty_view', { view: w(view.label) }) : t('list.empty', { what: w(f.label) })} {brief?.can_create && <Link to={`/register/${f.key}/new`}>{t('new_of', { what: w(f.label) })}</Link>}</>
          )}
        </Empty></section>
      ) : phone ? (
        <ul className="cards">
          {list.map((r) => (
            <li key={r.id} data-row className={came?.id === r.id ? 'came' : ''}>
              <Link to={`/record/${f.key}/${r.id}`} onClick={() => leave(r.id)}>
                <span className="l1"><b>{r.number || name(r)}</b> {r.number && <span>{r.title}</span>}</span>
                <span className="l2"><span className="tag">{w(r.state_label)}</span>{r.due ? <Deadline due={r.due.due} state={r.due.paused ? 'paused' : r.due.state} exact="none" /> : <span className="soft small">{r.holder?.[0]?.name}</span>}</span>
              </Link>
            </li>
          ))}
        </ul>
      ) : (
        <section className={`card table-box ${rows.isPlaceholderData ? 'stale' : ''}`}>
          <table className="list">
            <thead>
              <tr>
                {canTick && <th className="tick"><Checkbox aria-label={t('list.tick_all')} checked={ticked.size > 0 && ticked.size === list.length} indeterminate={ticked.size > 0 && ticked.size < list.length} onChange={(e) => setTicked(e.target.checked ? new Set(list.map((r) => r.id)) : new Set())} /></th>}
                {numbered && head('number', t('number'))}
                {!columns.some((c) => c.form === 'base.customer') && <th>{t('subject')}</th>}
                {columns.map((c) => head(c.id, w(c.label) + (c.type === 'money' ? t('unit_yuan') : ''), kindOf(c).column.align))}
                {f.states.length > 1 && head('state', t('stage'))}
                <th>{t('holder')}</th>
                <th>{t('limit')}</th>
              </tr>
            </thead>
            <tbody>
              {list.map((r, i) => (
                <tr key={r.id} data-row className={`${i === at ? 'chosen' : ''} ${ticked.has(r.id) ? 'ticked' : ''} ${came?.id === r.id ? 'came' : ''}`} onClick={(e) => { if (!(e.target as HTMLElement).closest('a,button,input,label') && !getSelection()?.toString()) toRecord(r) }}>
                  {canTick && <td className="tick"><Checkbox aria-label={t('list.tick', { what: r.number || name(r) })} checked={ticked.has(r.id)} onChange={() => tick(r.id)} /></td>}
                  {numbered && <td className="nowrap"><Link to={`/record/${f.key}/${r.id}`} state={{ list: list.map((x) => x.id) }} onClick={() => leave(r.id)}>{r.number || t('list.unnumbered')}</Link></td>}
                  {!columns.some((c) => c.form === 'base.customer') && <td className="subject"><Link to={`/record/${f.key}/${r.id}`} state={{ list: list.map((x) => x.id) }} onClick={() => leave(r.id)}>{name(r)}</Link></td>}
                  {columns.map((c) => <td key={c.id} className={kindOf(c).column.align} style={{ minWidth: kindOf(c).column.min, maxWidth: kindOf(c).column.max }}>{c.type === 'money' && r.values[c.id] ? <span className="num nowrap">{money(idOf(r.values[c.id])).replace('¥', '')}</span> : <FieldView field={c} value={r.values[c.id]} dense />}</td>)}
                  {f.states.length > 1 && <td className="nowrap">{w(r.state_label)}</td>}
                  <td className="holders">{r.holder?.length ? <>{r.holder[0].name}{r.holder.length > 1 ? t('path.others', { count: r.holder.length - 1, total: r.holder.length }) : ''}</> : <span className="soft">—</span>}</td>
                  <td className="nowrap">{r.due ? <Deadline due={r.due.due} state={r.due.paused ? 'paused' : r.due.state} exact="below" /> : <span className="soft">—</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {rows.hasNextPage && <div className="center"><Button loading={rows.isFetchingNextPage} onClick={() => void rows.fetchNextPage()}>{t('list.more', { count: PAGE })}</Button></div>}
      {ticked.size > 0 && <BulkBar form={f} acts={bulk} all={f.actions} rows={list.filter((r) => ticked.has(r.id))} onClear={() => setTicked(new Set())} />}
      {adding && <AddFilter form={f} lang={lang} onClose={() => setAdding(false)} onAdd={(c) => { setAdding(false); setChips([...chips, c]) }} />}
    </div>
  )
}

function ChipWords({ chip: c, form: f }: { chip: Named; form: Form }) {
  const { t, w, lang } = useWords()
  const field = f.fields.find((x) => x.id === c.field)
  const label = c.field === 'state' ? t('stage') : w(field?.label)
  const value = c.field === 'state' ? w(f.states.find((s) => s.id === c.value)?.label) : c.label || w(field?.options?.find((o) => o.id === c.value)?.label) || (field?.type === 'money' ? money(c.value) : plain(c.value, lang))
  return <>{t(`op.${c.op}.chip`, { field: label, value })}</>
}

function AddFilter({ form: f, onAdd, onClose }: { form: Form; lang: string; onAdd: (c: Named) => void; onClose: () => void }) {
  const { t, w } = useWords()
  const [field, setField] = useState<string>('')
  const [op, setOp] = useState('')
  const [value, setValue] = useState<unknown>(null)
  const [q, setQ] = useState('')
  const states: Field = { id: 'state', label: t('stage'), type: 'choice', options: f.states.map((s) => ({ id: s.id, label: s.label })) }
  const fields = [...(f.states.length > 1 ? [states] : []), ...f.fields.filter(filterable)]
  const chosen = fields.find((x) => x.id === field)
  const ops = chosen ? (field === 'state' ? ['is', 'not'] : opsOf(chosen)) : []
  const bare = ['set', 'unset', 'yes', 'no'].includes(op)
  const done = () => {
    if (!chosen || !op || (!bare && !idOf(value))) return
    const v = value && typeof value === 'object' ? (value as { id?: string; label?: unknown }) : null
    onAdd({ field, op, value: bare ? '' : idOf(value), label: v ? w(v.label) : '' })
  }
  return (
    <Side title={t('filter')} onClose={onClose}>
      {!chosen ? (
        <>
          <Input autoFocus placeholder={t('filter_name')} aria-label={t('filter_name')} value={q} onChange={(e) => setQ(e.target.value)} />
          <ul className="pick">
            {fields.filter((x) => !q || w(x.label).includes(q)).map((x) => <li key={x.id}><button type="button" onClick={() => { setField(x.id); setOp(x.id === 'state' ? 'is' : opsOf(x)[0]) }}>{w(x.label)}</button></li>)}
          </ul>
        </>
      ) : (
        <form onSubmit={(e) => { e.preventDefault(); done() }}>
          <p><b id="filter-value-label">{w(chosen.label)}</b> <button type="button" className="link small" onClick={() => { setField(''); setValue(null) }}>{t('filter.other')}</button></p>
          <div className="chips" role="radiogroup" aria-label={t('filter.how')}>{ops.map((o) => <button key={o} type="button" role="radio" aria-checked={op === o} className={op === o ? 'on' : ''} onClick={() => setOp(o)}>{op === o ? '✓ ' : ''}{t(`op.${o}`)}</button>)}</div>
          {!bare && <div className="item" style={{ marginTop: 12 }}><FieldInput id="filter-value" form={f.key} field={chosen.type === 'datetime' ? { ...chosen, type: 'date' } : chosen.type === 'note' ? { ...chosen, type: 'text' } : chosen} value={value} onChange={setValue} autoFocus /></div>}
          <div className="row-actions"><Button type="primary" htmlType="submit">{t('filter.apply')}</Button></div>
        </form>
      )}
    </Side>
  )
}

function Columns({ form: f, chosen, onChange, onReset }: { form: Form; chosen: string[]; onChange: (ids: string[]) => void; onReset: () => void }) {
  const { t, w } = useWords()
  return (
    <Popover trigger="click" placement="bottomRight" content={
      <div className="columns-panel">
        <button type="button" className="link small" onClick={onReset}>{t('list.columns_reset')}</button>
        {f.fields.filter((x) => !['file', 'files', 'secret'].includes(x.type)).map((x) => (
          <div key={x.id}><Checkbox checked={chosen.includes(x.id)} onChange={(e) => onChange(e.target.checked ? [...chosen, x.id] : chosen.filter((y) => y !== x.id))}>{w(x.label)}</Checkbox></div>
        ))}
      </div>
    }>
      <Button icon={<SettingOutlined />} aria-label={t('list.columns')}>{t('list.columns')}</Button>
    </Popover>
  )
}

function SaveView({ onSave, onReset }: { onSave: (name: string) => void; onReset: () => void }) {
  const { t } = useWords()
  const [name, setName] = useState('')
  const [open, setOpen] = useState(false)
  return (
    <span className="save-view">
      <Popover open={open} onOpenChange={setOpen} trigger="click" content={
        <form className="row-actions" onSubmit={(e) => { e.preventDefault(); if (name.trim()) { onSave(name.trim()); setOpen(false) } }}>
          <Input autoFocus maxLength={20} aria-label={t('list.view_name')} placeholder={t('list.view_name')} value={name} onChange={(e) => setName(e.target.value)} />
          <Button type="primary" htmlType="submit">{t('save')}</Button>
        </form>
      }>
        <button type="button" className="link">{t('list.save_view')}</button>
      </Popover>
      <button type="button" className="link" onClick={onReset}>{t('list.reset')}</button>
    </span>
  )
}

function BulkBar({ form: f, acts, all, rows, onClear }: { form: Form; acts: ActionDef[]; all: ActionDef[]; rows: Row[]; onClear: () => void }) {
  const { t, w } = useWords()
  const [busy, setBusy] = useState('')
  const [result, setResult] = useState<{ done: number; of: number; refused: { row: Row; problem: ReturnType<typeof problemOf> }[] } | null>(null)
  const run = async (a: ActionDef) => {
    setBusy(a.id)
    const refused: { row: Row; problem: ReturnType<typeof problemOf> }[] = []
    let done = 0
    for (const r of rows) {
      try {
        await call('POST', `${recordPath(f.key, r.id)}/${a.id}`, { body: {}, etag: r.etag })
        done++
      } catch (e) {
        refused.push({ row: r, problem: problemOf(e) })
      }
    }
    setBusy('')
    setResult({ done, of: rows.length, refused })
    refresh()
  }
  const single = all.filter((a) => !a.bulk && !['create', 'edit', 'view', 'print', 'export', 'import', 'reveal', 'void'].includes(a.id)).slice(0, 2)
  return (
    <div className="bulk" role="region" aria-label={t('list.bulk')}>
      <b>{t('list.ticked', { count: rows.length })}</b>
      {acts.map((a) => <Button key={a.id} loading={busy === a.id} onClick={() => void run(a)}>{w(a.label)}</Button>)}
      {single.length > 0 && <span className="soft">{t('list.singly', { what: single.map((a) => w(a.label)).join('、') })}</span>}
      <button type="button" className="link" onClick={onClear}>{t('list.untick')}</button>
      {result && (
        <Side title={t('list.result', { done: result.done, of: result.of })} onClose={() => { setResult(null); onClear() }}>
          {result.refused.map((x) => <div key={x.row.id}><h3>{x.row.number || x.row.title}</h3><Refused problem={x.problem} /></div>)}
        </Side>
      )}
    </div>
  )
}
