// What is against me, is it final, can I object? And the books of money.
import { DownloadOutlined } from '@ant-design/icons'
import { Button, DatePicker } from 'antd'
import dayjs from 'dayjs'
import { useState } from 'react'
import { Link, useParams, useSearchParams } from 'react-router'
import { save } from '../api/client'
import { url, useForm, useGet } from '../api/query'
import type { Page, Row, Text } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { money, number } from '../app/money'
import { useMe } from '../app/session'
import { ago, length, parse, parts } from '../app/time'
import { ClauseChip } from '../elements/clause'
import { Card, Empty, Failed, Loading } from '../elements/parts'
import { plain } from '../fields/plain'

interface Brief { id: string; book: string; title: Text; label: Text; unit?: string; clause?: string; kinds?: string[] }
interface Entry { at: string; kind: string; kind_label?: Text; amount: string; person?: { name: string } | string; unit?: { name: string } | string; clause?: string; text?: Text; form?: string; record?: string }

export default function Ledger() {
  const { id } = useParams()
  const { t, w } = useWords()
  const [params] = useSearchParams()
  const q = useGet<Brief[]>('/api/ledger')
  const open = q.data?.find((l) => l.id === id && (!params.get('book') || l.book === params.get('book')))
  const twice = (l: Brief) => q.data!.some((x) => x !== l && x.id === l.id)
  useTitle(t('nav.ledger'))
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={6} />
  return (
    <>
      <header className="page-head"><h1>{t('nav.ledger')}</h1></header>
      <div className="tabs" role="tablist">
        <Link className={!id ? 'on' : ''} to="/ledger" role="tab" aria-selected={!id}>{t('sanctions')}</Link>
        {q.data.map((l) => <Link key={l.book + l.id} role="tab" aria-selected={l === open} className={l === open ? 'on' : ''} to={`/ledger/${l.id}?book=${l.book}`}>{w(l.label)}{twice(l) && <span className="soft small"> {w(l.title)}</span>}</Link>)}
      </div>
      {open ? <Book key={open.book + open.id} brief={open} /> : id ? <Empty>{t('ledger.empty')}</Empty> : <Sanctions />}
    </>
  )
}

const FIELDS = ['person', 'offence_label', 'fine', 'plain_fine', 'measure', 'nth', 'counted_in', 'clause', 'appeal_until', 'ruling', 'confirmers', 'linked_to']

function Sanctions() {
  const { t, w, lang } = useWords()
  const me = useMe()
  const now = useNow()
  const q = useGet<Page<Row>>('/api/form/base.sanction/record', { limit: 100, sort: '-at', fields: FIELDS.join(',') })
  const form = useForm('base.sanction')
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data || !form.data) return <Loading rows={6} />
  const within = (v: unknown) => w(form.data!.fields.find((f) => f.id === 'counted_in')?.options?.find((o) => o.id === v)?.label)
  const own = (r: Row) => (r.values.person as { id?: string } | undefined)?.id === me.person.id
  return (
    <>
      <Card>
        {!q.data.rows.length ? <Empty>{t('ledger.none')}</Empty> : (
          <div className="table-box">
            <table className="stack penal">
              <thead><tr><th>{t('ledger.state')}</th><th>{t('ledger.fact')}</th><th>{t('ledger.measure')}</th><th>{t('clause')}</th><th className="right">{t('ledger.amount')}</th><th>{t('ledger.at')}</th></tr></thead>
              <tbody>
                {q.data.rows.map((r) => {
                  const at = parse(r.at)
                  const v = r.values
                  const until = parse(v.appeal_until as string)
                  const open = own(r) && r.state === 'confirmed' && !v.ruling && (until === null || now <= until)
                  return (
                    <tr key={r.id} className={`is-${r.state}`}>
                      <td className="nowrap"><b>{w(r.state_label)}</b></td>
                      <td>
                        <Link to={`/record/base.sanction/${r.id}`}>{[plain(v.person, lang), w(v.offence_label as Text)].filter(Boolean).join(' ') || t('open')}</Link>
                        {!!v.counted_in && Number(v.nth) > 0 && <span className="soft"> {t('penal.nth', { when: within(v.counted_in), n: String(v.nth) })}</span>}
                        {!!v.linked_to && <span className="soft"> {t('penal.linked')}</span>}
                        {r.state === 'proposed' && <div className="soft small">{t('penal.proposed', { who: plain(v.confirmers, lang) })}</div>}
                        {open && <div className="appeal"><Link className="button" to={`/record/base.sanction/${r.id}?act=appeal`}>{t('penal.appeal')}</Link> {until !== null && <span className="soft small">{t('penal.left', { left: length(until - now, lang) })}</span>}</div>}
                        {own(r) && r.state === 'confirmed' && until !== null && now > until && <div className="soft small">{t('penal.over')}</div>}
                        {own(r) && r.state === 'proposed' && <div className="appeal"><Link className="button" to={`/record/base.sanction/${r.id}?act=object`}>{t('penal.object')}</Link></div>}
                      </td>
                      <td className="nowrap">{v.measure ? plain(v.measure, lang) : '—'}</td>
                      <td><ClauseChip id={v.clause ? plain(v.clause, lang) : ''} /></td>
                      <td className="right num nowrap">{v.fine ? (v.plain_fine ? t('penal.ladder', { from: money(String(v.plain_fine)), to: money(String(v.fine)) }) : money(String(v.fine))) : '—'}</td>
                      <td className="nowrap num">{at === null ? '' : ago(at, now, lang)}</td>
                    </tr>
                  )
                })}
              </tbody>
            </table>
          </div>
        )}
        <p className="soft small">{t('ledger.counts')}</p>
      </Card>
      <Month />
    </>
  )
}

interface Sum { person?: string; unit: string; ledger: Text; entries: number; added: string; taken: string; net: string; open: string }

function Month() {
  const { t, w } = useWords()
  const now = useNow()
  const [params, setParams] = useSearchParams()
  const { y, m } = parts(now)
  const month = params.get('month') ?? `${y}-${String(m).padStart(2, '0')}`
  const [refused, setRefused] = useState<unknown>(null)
  const q = useGet<{ persons: Sum[]; units: Sum[]; hidden: number }>('/api/statement', { month })
  const table = (rows: Sum[], persons: boolean) => (
    <div className="table-box">
      <table className="stack">
        <caption className="soft">{t(persons ? 'penal.persons' : 'penal.units')}</caption>
        <thead><tr>{persons && <th>{t('penal.person')}</th>}<th>{t('penal.unit')}</th><th>{t('penal.ledger')}</th><th className="right">{t('penal.n')}</th><th className="right">{t('penal.added')}</th><th className="right">{t('penal.taken')}</th><th className="right">{t('penal.net')}</th><th className="right">{t('penal.open')}</th></tr></thead>
        <tbody>{rows.map((r, i) => <tr key={i}>{persons && <td>{r.person}</td>}<td>{r.unit}</td><td>{w(r.ledger)}</td><td className="right num">{r.entries}</td><td className="right num">{money(r.added)}</td><td className="right num">{money(r.taken)}</td><td className="right num"><b>{money(r.net)}</b></td><td className="right num">{money(r.open)}</td></tr>)}</tbody>
      </table>
    </div>
  )
  return (
    <Card title={t('penal.month')} extra={<><DatePicker picker="month" aria-label={t('month')} allowClear={false} value={dayjs(month + '-01')} onChange={(d) => d && setParams({ month: d.format('YYYY-MM') })} /> <Button icon={<DownloadOutlined />} onClick={() => void save(url('/api/statement.xlsx', { month }), `${t('penal.month')} ${month}.xlsx`).then(() => setRefused(null), setRefused)}>{t('penal.excel')}</Button></>}>
      {!!refused && <Failed error={refused} />}
      {q.error ? <Failed error={q.error} again={q.refetch} /> : !q.data ? <Loading rows={3} /> : !q.data.persons.length && !q.data.units.length ? <Empty>{t('penal.none')}</Empty> : <>{table(q.data.persons, true)}{table(q.data.units, false)}</>}
      {!!q.data?.hidden && <p className="soft small">{t('penal.hidden', { count: q.data.hidden })}</p>}
      <p className="soft small">{t('penal.month_text')}</p>
    </Card>
  )
}

function Book({ brief }: { brief: Brief }) {
  const { t, w, lang } = useWords()
  const now = useNow()
  const [params, setParams] = useSearchParams()
  const month = params.get('month') ?? ''
  const q = useGet<{ rows: Entry[]; balance: string }>(`/api/ledger/${brief.id}`, { book: brief.book, month })
  const amount = (s: string) => (brief.unit === 'money' ? money(s) : number(s))
  return (
    <Card title={<>{w(brief.label)} <ClauseChip id={brief.clause} /></>} extra={<><DatePicker picker="month" aria-label={t('month')} value={month ? dayjs(month + '-01') : null} onChange={(d) => setParams({ book: brief.book, ...(d ? { month: d.format('YYYY-MM') } : {}) })} /> {q.data && <b className="num">{t('ledger.balance')} {amount(q.data.balance)}</b>}</>}>
      {q.error ? <Failed error={q.error} again={q.refetch} /> : !q.data ? <Loading rows={4} /> : !q.data.rows.length ? <Empty>{t('ledger.empty')}</Empty> : (
        <div className="table-box">
          <table>
            <thead><tr><th>{t('ledger.at')}</th><th>{t('ledger.who')}</th><th>{t('ledger.fact')}</th><th>{t('clause')}</th><th className="right">{t('ledger.amount')}</th></tr></thead>
            <tbody>{q.data.rows.map((r, i) => { const at = parse(r.at); return <tr key={i}><td className="nowrap num">{at === null ? '' : ago(at, now, lang)}</td><td>{w(r.person) || w(r.unit)}</td><td>{r.form && r.record ? <Link to={`/record/${r.form}/${r.record}`}>{w(r.text) || t('open')}</Link> : w(r.text)}</td><td><ClauseChip id={r.clause} /></td><td className="right num nowrap">{amount(r.amount)}</td></tr> })}</tbody>
          </table>
        </div>
      )}
    </Card>
  )
}
