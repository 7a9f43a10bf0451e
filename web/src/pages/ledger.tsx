// What is against me, is it final, can I object? And the books of money.
import { DatePicker } from 'antd'
import dayjs from 'dayjs'
import { Link, useParams, useSearchParams } from 'react-router'
import { useGet } from '../api/query'
import type { Page, Row, Text } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { money, number } from '../app/money'
import { ago, parse } from '../app/time'
import { ClauseChip } from '../elements/clause'
import { Card, Empty, Failed, Loading } from '../elements/parts'
import { plain } from '../fields/plain'

interface Brief { id: string; book: string; label: Text; unit?: string; clause?: string; kinds?: string[] }
interface Entry { at: string; kind: string; kind_label?: Text; amount: string; person?: { name: string } | string; unit?: { name: string } | string; clause?: string; text?: Text; form?: string; record?: string }

export default function Ledger() {
  const { id } = useParams()
  const { t, w } = useWords()
  const q = useGet<Brief[]>('/api/ledger')
  useTitle(t('nav.ledger'))
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={6} />
  return (
    <>
      <header className="page-head"><h1>{t('nav.ledger')}</h1></header>
      <div className="tabs" role="tablist">
        <Link className={!id ? 'on' : ''} to="/ledger" role="tab" aria-selected={!id}>{t('sanctions')}</Link>
        {q.data.map((l) => <Link key={l.id} role="tab" aria-selected={id === l.id} className={id === l.id ? 'on' : ''} to={`/ledger/${l.id}`}>{w(l.label)}</Link>)}
      </div>
      {id ? <Book id={id} brief={q.data.find((l) => l.id === id)} /> : <Sanctions />}
    </>
  )
}

function Sanctions() {
  const { t, w, lang } = useWords()
  const now = useNow()
  const q = useGet<Page<Row>>('/api/form/base.sanction/record', { limit: 100, sort: '-at' })
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={6} />
  return (
    <Card>
      {!q.data.rows.length ? <Empty>{t('ledger.none')}</Empty> : (
        <div className="table-box">
          <table>
            <thead><tr><th>{t('ledger.state')}</th><th>{t('ledger.fact')}</th><th>{t('clause')}</th><th className="right">{t('ledger.amount')}</th><th>{t('ledger.at')}</th></tr></thead>
            <tbody>
              {q.data.rows.map((r) => {
                const at = parse(r.at)
                const amount = r.values.fine
                return (
                  <tr key={r.id}>
                    <td className="nowrap"><b>{w(r.state_label)}</b></td>
                    <td><Link to={`/record/base.sanction/${r.id}`}>{r.title || r.number || t('open')}</Link></td>
                    <td><ClauseChip id={r.values.clause ? plain(r.values.clause, lang) : ''} /></td>
                    <td className="right num nowrap">{amount ? money(String(amount)) : '—'}</td>
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
  )
}

function Book({ id, brief }: { id: string; brief?: Brief }) {
  const { t, w, lang } = useWords()
  const now = useNow()
  const [params, setParams] = useSearchParams()
  const month = params.get('month') ?? ''
  const q = useGet<{ rows: Entry[]; balance: string }>(`/api/ledger/${id}`, { month })
  const amount = (s: string) => (brief?.unit === 'money' ? money(s) : number(s))
  return (
    <Card title={<>{w(brief?.label)} <ClauseChip id={brief?.clause} /></>} extra={<><DatePicker picker="month" aria-label={t('month')} value={month ? dayjs(month + '-01') : null} onChange={(d) => setParams(d ? { month: d.format('YYYY-MM') } : {})} /> {q.data && <b className="num">{t('ledger.balance')} {amount(q.data.balance)}</b>}</>}>
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
