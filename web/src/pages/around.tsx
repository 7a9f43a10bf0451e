// A record that others are about, such as a customer: who is this to us, may I deal with him, what is next; and everything about
// him by time and by form. What the record itself says comes after it.
import { LockOutlined } from '@ant-design/icons'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Button, Dropdown } from 'antd'
import { Link, useNavigate, useSearchParams } from 'react-router'
import { get, type Refusal } from '../api/client'
import { recordPath, useForm, useGet } from '../api/query'
import type { Around, AroundGroup, Form, Page, Rec, Row, TimelineEvent } from '../api/types'
import { toParam } from '../app/filter'
import { useWords } from '../app/i18n'
import { money } from '../app/money'
import { ClauseChip } from '../elements/clause'
import { Deadline } from '../elements/deadline'
import { Entry, History } from '../elements/history'
import { Card, Failed, Loading } from '../elements/parts'
import { People } from '../elements/refusal'
import { WhyChoice } from '../elements/why'
import { FieldView, kindOf, missing } from '../fields'

const nameOf = (r: { number?: string; title?: string }) => [r.number, r.title].filter((x, i, a) => x && a.indexOf(x) === i).join(' ')
export const useAround = (form: string, id: string, central?: boolean) => useGet<Around>(central ? `${recordPath(form, id)}/around` : null, undefined, { staleTime: 5000 })

/** What is filed for him, as one button: the forms he has most of come first. */
export function FileFor({ of: a, rec }: { of?: Around; rec: Rec }) {
  const { t, w } = useWords()
  const go = useNavigate()
  if (!a?.opens.length) return null
  const many = (form: string) => a.groups.find((g) => g.form === form)?.total ?? 0
  const items = [...a.opens].sort((x, y) => many(y.form) - many(x.form)).map((x) => ({
    key: x.form, label: w(x.label), onClick: () => go(`/register/${x.form}/new?${x.field}=${rec.id}&${x.field}.label=${encodeURIComponent(rec.title || rec.number || '')}`),
  }))
  return <Dropdown trigger={['click']} menu={{ items, className: 'long-menu' }}><Button>{t('around.file')}</Button></Dropdown>
}

/** Above everything: what a rule holds up, and the figures. */
export function AroundHead({ of: a, rec, form }: { of?: Around; rec: Rec; form: Form }) {
  const { t, w } = useWords()
  if (!a) return null
  const grades = form.fields.filter((f) => f.type === 'choice' && !missing(rec.values[f.id])).slice(0, 2)
  const sums = a.groups.filter((g) => g.sum && !/^-?0(\.0+)?$/.test(g.sum.value)).slice(0, 3)
  const counts = a.groups.filter((g) => !sums.includes(g)).sort((x, y) => y.total - x.total).slice(0, Math.max(0, 5 - sums.length - grades.length))
  return (
    <>
      <Held of={a} />
      {(grades.length > 0 || sums.length > 0 || counts.length > 0) && (
        <ul className="figures">
          {grades.map((f) => <li key={f.id}><span className="soft">{w(f.label)}</span><b><FieldView field={f} value={rec.values[f.id]} /></b><span><WhyChoice form={rec.form} id={rec.id} field={f} value={rec.values[f.id]} /></span></li>)}
          {sums.map((g) => <li key={g.form + g.field}><span className="soft">{w(g.label)}</span><b className="num">{money(g.sum!.value)}</b><span className="soft small">{w(g.sum!.label)}{t('semicolon')}{t('around.lasts', { count: g.total })}</span></li>)}
          {counts.map((g) => <li key={g.form + g.field}><span className="soft">{w(g.label)}</span><b className="num"><Total of={g} /></b></li>)}
        </ul>
      )}
    </>
  )
}

export function AroundBody({ of: q, rec }: { of: ReturnType<typeof useAround>; rec: Rec }) {
  const { t, w } = useWords()
  const a = q.data
  if (q.error && !a) return <Failed error={q.error} again={q.refetch} />
  if (!a) return <Loading rows={6} tall />
  return (
    <>
      <Card title={t('around.next')}>
        {!a.ahead.length ? <p className="soft">{t('around.nothing_ahead')}</p> : (
          <ul className="rows ahead">
            {a.ahead.slice(0, 6).map((c) => (
              <li key={c.id}>
                <Deadline due={c.due} from={c.from} state={c.state} warned={c.warned} working={c.working} exact="beside" />
                <span>{w(c.label)} <ClauseChip id={c.clause} /></span>
                <span>{c.form && c.record && c.record !== rec.id && <Link to={`/record/${c.form}/${c.record}`}>{nameOf(c) || t('open')}</Link>}</span>
                <span className="soft small"><People list={c.holder ?? []} max={2} /></span>
              </li>
            ))}
          </ul>
        )}
      </Card>
      {a.parts.map((p) => <Part key={p.row.id} form={p.form} label={w(p.label)} row={p.row} />)}
      <Tabs rec={rec} around={a} />
    </>
  )
}

function Total({ of: g }: { of: AroundGroup }) {
  const { t } = useWords()
  return <>{g.more_than ? t('around.more_than', { count: g.total }) : g.total}</>
}

/** What a rule holds up, each reason once with the papers it holds up. */
function Held({ of: a }: { of: Around }) {
  const { t, w } = useWords()
  const why = new Map<string, { say: string; clause?: string; forms: string[] }>()
  for (const b of a.blocked) {
    for (const i of b.problem.items ?? []) {
      const key = `${i.clause} ${w(i.say)}`
      const x = why.get(key) ?? { say: w(i.say), clause: i.clause, forms: [] }
      x.forms.push(w(b.label))
      why.set(key, x)
    }
  }
  if (!why.size) return null
  return (
    <section className="wide-band held" aria-label={t('around.blocked')}>
      <LockOutlined aria-hidden />
      <ul>
        {[...why.values()].map((x) => <li key={x.say + x.clause}>{x.say} <ClauseChip id={x.clause} /> <span className="plain">{t('around.blocked')}{t('colon')}{x.forms.join(t('comma'))}</span></li>)}
      </ul>
    </section>
  )
}

/** How one department, one regulation keeps him. */
function Part({ form: key, label, row }: { form: string; label: string; row: Row }) {
  const { w } = useWords()
  const f = useForm(key)
  const fields = (f.data?.columns ?? []).map((c) => f.data!.fields.find((x) => x.id === c)).filter((x) => x && !missing(row.values[x.id]))
  return (
    <Card title={<>{label} <Link to={`/record/${key}/${row.id}`}>{nameOf(row)}</Link></>} extra={<span className="tag">{w(row.state_label)}</span>}>
      {f.data ? <dl className="content">{fields.map((x) => <div key={x!.id}><dt>{w(x!.label)}</dt><dd><FieldView field={x!} value={row.values[x!.id]} /><WhyChoice form={key} id={row.id} field={x!} value={row.values[x!.id]} /></dd></div>)}</dl> : <Loading rows={2} />}
    </Card>
  )
}

function Tabs({ rec, around: a }: { rec: Rec; around: Around }) {
  const { t, w } = useWords()
  const [params, setParams] = useSearchParams() // who comes back finds the tab he left
  const tab = params.get('tab') ?? ''
  const setTab = (id: string) => setParams((p) => { if (id) p.set('tab', id); else p.delete('tab'); return p }, { replace: true, preventScrollReset: true })
  const key = (g: AroundGroup) => g.form + '.' + g.field
  const group = a.groups.find((g) => key(g) === tab)
  const one = (id: string, label: string, n?: AroundGroup) => (
    <button key={id} type="button" role="tab" id={`around-${id}`} aria-selected={tab === id} className={tab === id ? 'on' : ''} onClick={() => setTab(id)}>{label}{n && <span className="n"><Total of={n} /></span>}</button>
  )
  return (
    <section className="card around">
      <div className="tabs"><div className="tab-list" role="tablist" aria-label={t('around.tabs')}>
        {one('', t('around.timeline'))}
        {a.groups.map((g) => one(key(g), w(g.label), g))}
        {one('changes', t('around.changes'))}
      </div></div>
      <div role="tabpanel" aria-labelledby={`around-${tab}`} className="body">
        {tab === 'changes' ? <History form={rec.form} id={rec.id} /> : group ? <Group key={tab} group={group} rec={rec} /> : <Timeline rec={rec} />}
      </div>
    </section>
  )
}

function Timeline({ rec }: { rec: Rec }) {
  const { t, w } = useWords()
  const path = `${recordPath(rec.form, rec.id)}/timeline`
  const q = useInfiniteQuery<Page<TimelineEvent>, Refusal>({
    queryKey: [path, {}],
    queryFn: ({ pageParam, signal }) => get<Page<TimelineEvent>>(path, { cursor: (pageParam as string) || undefined }, signal),
    initialPageParam: '' as unknown,
    getNextPageParam: (p) => p.next || undefined,
  })
  const list = q.data?.pages.flatMap((p) => p.rows) ?? []
  if (q.error && !q.data) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={6} />
  if (!list.length && !q.hasNextPage) return <p className="soft">{t('around.none')}</p>
  return (
    <>
      <ol className="history">
        {list.map((x) => (
          <Entry key={x.id} of={x}>
            {x.kind === 'filed' ? (
              <><b>{w(x.label)}</b> <Link to={`/record/${x.form}/${x.record}`}>{nameOf(x) || t('open')}</Link>{x.state_label && <span className="tag">{w(x.state_label)}</span>}</>
            ) : undefined}
          </Entry>
        ))}
      </ol>
      <Later q={q} />
    </>
  )
}

/** The way to earlier rows, and what the list leaves out. */
function Later({ q, children }: { q: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown; isFetchNextPageError: boolean; error: unknown }; children?: React.ReactNode }) {
  const { t } = useWords()
  return (
    <div className="around-foot">
      {q.isFetchNextPageError ? <Failed error={q.error} again={q.fetchNextPage} /> : q.hasNextPage && <Button loading={q.isFetchingNextPage} onClick={() => void q.fetchNextPage()}>{t('around.earlier')}</Button>}
      <span className="soft small">{!q.hasNextPage && t('around.earliest')} {t('around.only')}</span>
      {children}
    </div>
  )
}

const COLUMNS = 4

function Group({ group: g, rec }: { group: AroundGroup; rec: Rec }) {
  const { t, w } = useWords()
  const f = useForm(g.form)
  const path = `/api/form/${g.form}/record`
  const q = useInfiniteQuery<Page<Row>, Refusal>({
    queryKey: [path, { filter: g.filter }],
    queryFn: ({ pageParam, signal }) => get<Page<Row>>(path, { filter: g.filter, limit: 20, cursor: (pageParam as string) || undefined }, signal),
    initialPageParam: '' as unknown,
    getNextPageParam: (p) => p.next || undefined,
  })
  const failed = q.error && !q.data ? q.error : f.error
  if (failed) return <Failed error={failed} again={() => { void q.refetch(); void f.refetch() }} />
  if (!q.data || !f.data) return <Loading rows={6} />
  const list = q.data.pages.flatMap((p) => p.rows)
  const columns = f.data.columns.map((c) => f.data!.fields.find((x) => x.id === c)).filter((x) => x && x.id !== g.field && x.form !== rec.form).slice(0, COLUMNS)
  return (
    <>
      <div className="table-box">
        <table className="stack">
          <thead><tr><th>{t('number')}</th>{columns.map((c) => <th key={c!.id}>{w(c!.label)}</th>)}{f.data.states.length > 1 && <th>{t('stage')}</th>}<th>{t('limit')}</th></tr></thead>
          <tbody>
            {list.map((r) => (
              <tr key={r.id}>
                <td><Link to={`/record/${g.form}/${r.id}`}>{r.number || r.title || t('list.unnumbered')}</Link></td>
                {columns.map((c) => <td key={c!.id} style={{ minWidth: kindOf(c!).column.min, maxWidth: kindOf(c!).column.max }}>{missing(r.values[c!.id]) ? <span className="soft">—</span> : <FieldView field={c!} value={r.values[c!.id]} dense />}</td>)}
                {f.data!.states.length > 1 && <td className="nowrap">{w(r.state_label)}</td>}
                <td>{r.due ? <Deadline due={r.due.due} state={r.due.paused ? 'paused' : r.due.state} exact="below" /> : <span className="soft">—</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Later q={q}>{!g.filter.includes(' || ') && g.filter.includes(rec.id) && <Link to={`/register/${g.form}?f=${encodeURIComponent(toParam({ field: g.field, op: 'is', value: rec.id, label: rec.title || rec.number }))}`}>{t('around.register')}</Link>}</Later>
    </>
  )
}
