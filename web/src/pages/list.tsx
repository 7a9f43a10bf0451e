// A register: which ones, and which of them first? The whole state stands in the address.
import { DownloadOutlined, FilterOutlined, UploadOutlined } from '@ant-design/icons'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Button, Checkbox, Input } from 'antd'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { Link, useLocation, useNavigate, useParams, useSearchParams } from 'react-router'
import { get, post, problemOf, type Refusal, save, url } from '../api/client'
import { useForm, useForms } from '../api/query'
import type { Field, Form, Page, Problem, Row, SavedView } from '../api/types'
import { useTitle } from '../app/clock'
import { usePhone } from '../app/device'
import { cel, fromParam, toParam } from '../app/filter'
import { useWords } from '../app/i18n'
import { composing, useKeys } from '../app/keys'
import { addUp, money } from '../app/money'
import { ClauseChip } from '../elements/clause'
import { Deadline } from '../elements/deadline'
import { AskExport } from '../elements/list/ask-export'
import { BulkBar } from '../elements/list/bulk'
import { AddFilter, ChipWords, Columns, type Named } from '../elements/list/filter'
import { opening, SaveView, useSavedViews, viewAddress, viewQuery, ViewTabs } from '../elements/list/views'
import { Empty, Failed, Loading } from '../elements/parts'
import { Refused } from '../elements/refusal'
import { FieldView, idOf, kindOf, missing } from '../fields'

const PAGE = 50
const AT_ONCE = 2000 // rows that are exported while one waits

export default function List() {
  const { key = '' } = useParams()
  const { t, w } = useWords()
  const form = useForm(key)
  useTitle(w(form.data?.label) || t('nav.registers'))
  if (form.error) return <Failed error={form.error} again={form.refetch} />
  if (!form.data) return <Loading rows={10} />
  return <Opening key={key} form={form.data} />
}

/** A register opened without more opens at the view chosen for that. */
function Opening({ form }: { form: Form }) {
  const saved = useSavedViews(form.key)
  const [params, setParams] = useSearchParams()
  const bare = !params.toString()
  const first = bare ? opening(saved.data ?? []) : undefined
  useEffect(() => {
    if (first) setParams(viewAddress(first), { replace: true })
  }, [first, setParams])
  if (bare && (saved.isLoading || first)) return <Loading rows={10} />
  return <Rows form={form} saved={saved.data ?? []} />
}

function Rows({ form: f, saved }: { form: Form; saved: SavedView[] }) {
  const { t, w } = useWords()
  const go = useNavigate()
  const where = useLocation()
  const phone = usePhone()
  const [params, setParams] = useSearchParams()
  const brief = useForms().data?.find((x) => x.key === f.key)
  const [typed, setTyped] = useState(params.get('q') ?? '')
  const [ticked, setTicked] = useState<Set<string>>(new Set())
  const [refused, setRefused] = useState<Problem | null>(null) // an export
  const [asking, setAsking] = useState<{ asked: Record<string, unknown>; why: Problem } | null>(null) // the approval of an export
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
  const query = { view: view?.id, q, filter, sort, limit: PAGE, count: 1, fields: params.has('cols') ? columns.map((c) => c.id).join(',') : undefined }
  const rows = useInfiniteQuery<Page<Row>, Refusal>({
    queryKey: [`/api/form/${f.key}/record`, query],
    queryFn: ({ pageParam, signal }) => get<Page<Row>>(`/api/form/${f.key}/record`, { ...query, count: pageParam ? undefined : 1, cursor: pageParam as string | undefined }, signal),
    initialPageParam: '' as unknown,
    getNextPageParam: (p) => p.next || undefined,
    placeholderData: (x) => x,
  })
  const list = rows.data?.pages.flatMap((p) => p.rows) ?? []
  // what was not asked for and says nothing here is left out: a column that repeats what the record is called, one that is empty in every row
  const title = params.has('cols') ? undefined : columns.find((c) => c.type === 'text' && list.length > 0 && list.every((r) => r.values[c.id] === r.title))
  const told = params.has('cols') ? columns : columns.filter((c) => c !== title && !(list.length > 0 && list.every((r) => missing(r.values[c.id]))))
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
    if (f.fields.find((x) => x.id === id)?.sealed) return <th key={id} className={align}>{label}</th>
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
  const mine = saved.find((v) => v.id === params.get('mine'))
  const changed = mine ? viewQuery(params) !== viewQuery(new URLSearchParams(mine.query)) : !!chips.length || !!q || params.has('sort') || params.has('cols')
  const reset = () => {
    const p = mine ? viewAddress(mine) : new URLSearchParams(view ? { view: view.id } : { all: '1' })
    setTyped(p.get('q') ?? '')
    setParams(p)
  }
  const leaving = async () => {
    const asked = { view: view?.id, q, filter, sort }
    setRefused(null)
    try {
      if (total !== null && total !== undefined && total <= AT_ONCE) await save(url(`/api/form/${f.key}/record.xlsx`, asked), `${w(f.label)}.xlsx`)
      else {
        await post(`/api/form/${f.key}/export`, asked)
        go('/exports')
      }
    } catch (e) {
      const problem = problemOf(e)
      if (problem.ask) setAsking({ asked, why: problem })
      else setRefused(problem)
    }
  }
  const name = (r: Row) => w({ zh: r.title, en: r.title_en }) || r.number || t('list.unnumbered')
  return (
    <div ref={box}>
      <header className="page-head">
        <div className="titles">
          <h1>{w(f.label)} <ClauseChip id={f.clause} /></h1>
        </div>
        <div className="acts">
          {!phone && brief?.can_create && <Button icon={<UploadOutlined />} onClick={() => go(`/register/${f.key}/import`)}>{t('import')}</Button>}
          {f.merge && <Button onClick={() => go(`/register/${f.key}/alike`)}>{t('pairs.open')}</Button>}
          {!phone && <Button icon={<DownloadOutlined />} onClick={() => void leaving()}>{t('export')}</Button>}
          {brief?.can_create && <Button type="primary" onClick={() => go(`/register/${f.key}/new`)}>{t('new_of', { what: w(f.label) })}</Button>}
        </div>
      </header>
      {refused && <Refused problem={refused} />}
      {asking && <AskExport form={f.key} asked={asking.asked} why={asking.why.items?.[0]?.say} onClose={() => setAsking(null)} />}
      <ViewTabs form={f} saved={saved} params={params} open={(p) => { setTyped(new URLSearchParams(p).get('q') ?? ''); setParams(p) }} />
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
        {changed && <SaveView form={f} params={params} onSaved={(v) => setParams(viewAddress(v))} onReset={reset} />}
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
              {chips.map((c, i) => <button key={i} type="button" className="link" onClick={() => setChips(chips.filter((_, k) => k !== i))}>{t('list.without_filter')} <ChipWords chip={c} form={f} /></button>)}
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
                <span className="l1"><b>{r.number || name(r)}</b> {r.number && <span>{w({ zh: r.title, en: r.title_en })}</span>}</span>
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
                {!columns.some((c) => c.form === 'base.customer') && (title ? head(title.id, w(title.label)) : <th>{t('subject')}</th>)}
                {told.map((c) => head(c.id, w(c.label) + (c.type === 'money' ? t('unit_yuan') : ''), kindOf(c).column.align))}
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
                  {told.map((c) => <td key={c.id} className={kindOf(c).column.align} style={{ minWidth: kindOf(c).column.min, maxWidth: kindOf(c).column.max }}>{c.computed && /^0(\.0+)?$/.test(idOf(r.values[c.id])) ? <span className="soft">—</span> : c.type === 'money' && r.values[c.id] ? <span className="num nowrap">{money(idOf(r.values[c.id])).replace('¥', '')}</span> : <FieldView field={c} value={r.values[c.id]} dense />}</td>)}
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
      {ticked.size > 0 && <BulkBar form={f} rows={list.filter((r) => ticked.has(r.id))} onClear={() => setTicked(new Set())} />}
      {adding && <AddFilter form={f} onClose={() => setAdding(false)} onAdd={(c) => { setAdding(false); setChips([...chips, c]) }} />}
    </div>
  )
}
