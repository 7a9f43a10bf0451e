// How did we do, is it final, where does this number come from? The table first, the chart second.
import { Select } from 'antd'
import { lazy, Suspense, useMemo, useState } from 'react'
import { Link, useNavigate, useSearchParams } from 'react-router'
import { useForm, useForms, useGet } from '../api/query'
import type { StatRow, Text } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { toParam } from '../app/filter'
import { useWords } from '../app/i18n'
import { money } from '../app/money'
import { dataTime } from '../app/time'
import { ClauseChip } from '../elements/clause'
import { Card, Empty, Failed, Loading } from '../elements/parts'

const Chart = lazy(() => import('../elements/chart'))

interface Instance { id: string; number?: string; period?: string; state?: string; state_label?: Text; at?: string }
interface Report { key: string; label: Text; clause?: string; every?: string; of?: string; last?: Instance | null; open?: Instance[] }

export default function Reports() {
  const { t, w } = useWords()
  const q = useGet<Report[]>('/api/report')
  useTitle(t('nav.report'))
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  return (
    <>
      <header className="page-head"><h1>{t('nav.report')}</h1></header>
      {!q.data ? <Loading rows={4} tall /> : (
        <Card title={t('report.periodic')}>
          {!q.data.length ? <Empty>{t('nothing_found')}</Empty> : (
            <div className="table-box">
              <table>
                <thead><tr><th>{t('report.name')}</th><th>{t('report.every')}</th><th>{t('report.last')}</th><th>{t('report.open')}</th></tr></thead>
                <tbody>
                  {q.data.map((r) => (
                    <tr key={r.key}>
                      <td><Link to={`/register/${r.key}`}>{w(r.label)}</Link> <ClauseChip id={r.clause} /></td>
                      <td>{r.every ? t('report.per', { span: t(`every.${r.every}`, { defaultValue: r.every }) }) : t('report.asked')}</td>
                      <td>{r.last ? <><Link to={`/record/${r.key}/${r.last.id}`}>{r.last.period || r.last.number || t('open')}</Link> <span className="tag">{w(r.last.state_label)}</span></> : '—'}</td>
                      <td>{(r.open ?? []).length ? <Link to={`/register/${r.key}`}>{t('report.n_open', { count: r.open!.length })}</Link> : '—'}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Card>
      )}
      {q.data && <Figures first={(q.data.find((r) => r.last) ?? q.data[0])?.of} />}
    </>
  )
}

/** Counting any register by a field or by month: each number leads to its rows. It opens with the register that the house's own reports count. */
function Figures({ first }: { first?: string }) {
  const { t, w } = useWords()
  const now = useNow()
  const go = useNavigate()
  const forms = useForms()
  const [params, setParams] = useSearchParams()
  const list = (forms.data ?? []).filter((f) => f.group !== 'base' && !f.report && !f.checklist)
  const key = params.get('form') ?? (list.find((f) => f.key === first) ?? list[0])?.key ?? null
  const form = useForm(key)
  const by = params.get('by') ?? 'month:at'
  const sum = params.get('sum') ?? ''
  const q = useGet<{ rows: StatRow[] }>(key ? '/api/stat' : null, { form: key ?? '', by, sum, count: 1 })
  const [kind, setKind] = useState<'bar' | 'line'>('bar')
  const put = (k: string, v: string) => { const p = new URLSearchParams(params); if (v) p.set(k, v); else p.delete(k); if (k === 'form') { p.delete('by'); p.delete('sum') } setParams(p, { replace: true }) }
  const fields = form.data?.fields.filter((f) => ['choice', 'bool', 'unit', 'person', 'ref'].includes(f.type) && !f.class) ?? []
  const sums = form.data?.fields.filter((f) => ['money', 'quantity', 'decimal', 'int'].includes(f.type)) ?? []
  const field = form.data?.fields.find((f) => f.id === by)
  const rows = useMemo(() => (q.data?.rows ?? []).map((r) => ({ ...r, name: r.key === 'true' ? t('yes') : r.key === 'false' ? t('no') : w(r.label) || r.key || t('no_value') })), [q.data, t, w])
  const link = (r: StatRow) => {
    if (!field || !key || !r.key) return null
    const op = field.type === 'bool' ? (r.key === 'true' ? 'yes' : 'no') : 'is'
    return `/register/${key}?f=${encodeURIComponent(toParam({ field: field.id, op, value: op === 'is' ? r.key : '', label: w(r.label) }))}`
  }
  return (
    <Card title={t('report.figures')} extra={<span className="soft small">{t('report.as_of', { at: dataTime(now) })}</span>}>
      <div className="filters">
        <Select aria-label={t('register')} value={key ?? undefined} style={{ minWidth: 200 }} options={list.map((f) => ({ value: f.key, label: w(f.label) }))} onChange={(v) => put('form', v)} showSearch={{ optionFilterProp: 'label' }} />
        <Select aria-label={t('report.by')} value={by} style={{ minWidth: 160 }} options={[{ value: 'month:at', label: t('report.by_month') }, { value: 'state', label: t('stage') }, ...fields.map((f) => ({ value: f.id, label: w(f.label) }))]} onChange={(v) => put('by', v)} showSearch={{ optionFilterProp: 'label' }} />
        <Select aria-label={t('report.sum')} value={sum} style={{ minWidth: 160 }} options={[{ value: '', label: t('report.count') }, ...sums.map((f) => ({ value: f.id, label: t('report.sum_of', { what: w(f.label) }) }))]} onChange={(v) => put('sum', v)} />
      </div>
      {q.error ? <Failed error={q.error} again={q.refetch} /> : !q.data ? <Loading rows={4} /> : !rows.length ? <Empty>{t('nothing_found')}</Empty> : (
        <div className="figures-two">
          <div className="table-box">
            <table>
              <thead><tr><th>{by === 'month:at' ? t('month') : by === 'state' ? t('stage') : w(field?.label)}</th><th className="right">{t('report.count')}</th>{sum && <th className="right">{w(sums.find((s) => s.id === sum)?.label)}</th>}</tr></thead>
              <tbody>{rows.map((r) => { const to = link(r); return <tr key={r.key}><td>{r.name}</td><td className="right num">{to ? <Link to={to}>{r.count}</Link> : r.count}</td>{sum && <td className="right num nowrap">{r.sum === undefined || r.sum === null ? '—' : sums.find((s) => s.id === sum)?.type === 'money' ? money(r.sum) : r.sum}</td>}</tr> })}</tbody>
            </table>
          </div>
          <div>
            <div className="seg" style={{ width: 'fit-content', marginBottom: 8 }}>{(['bar', 'line'] as const).map((k) => <button type="button" key={k} className={kind === k ? 'on' : ''} aria-pressed={kind === k} onClick={() => setKind(k)}>{t(`chart.${k}`)}</button>)}</div>
            <Suspense fallback={<Loading rows={6} />}>
              <Chart kind={kind} label={t('report.figures')} names={rows.map((r) => r.name)} values={rows.map((r) => Number(sum ? (r.sum ?? 0) : (r.count ?? 0)))} onPick={(i) => { const to = link(rows[i]); if (to) go(to) }} />
            </Suspense>
          </div>
        </div>
      )}
    </Card>
  )
}
