import { Button, Input, Select, Tabs } from 'antd'
import { useState } from 'react'
import { Link, useNavigate, useParams, useSearchParams } from 'react-router'
import { useTitle } from '../app/clock'
import { useText } from '../app/lang'
import { problemOf } from '../api/client'
import { useForm, useForms, useGet, url } from '../api/query'
import type { Page, Row } from '../api/types'
import { Due, Failed, Loading } from '../elements/parts'
import { View } from '../fields/field'

/** The registers one may open, those of regulations first. */
export function Registers() {
  const { t, l } = useText()
  useTitle(t('registers'))
  const forms = useForms()
  if (forms.isLoading) return <Loading />
  if (forms.error) return <Failed problem={problemOf(forms.error)} again={() => forms.refetch()} />
  const list = forms.data ?? []
  const groups = [list.filter((f) => f.group !== 'base'), list.filter((f) => f.group === 'base' && !f.kept), list.filter((f) => f.kept)]
  return (
    <>
      <h1>{t('registers')}</h1>
      {groups.map((g, i) => !!g.length && (
        <section className="card grid" key={i}>
          {g.map((f) => <Link className="tile" key={f.key} to={`/register/${f.key}`}>{l(f.label)}</Link>)}
        </section>
      ))}
    </>
  )
}

/** One register: views, search, rows, the next page. */
export function Register() {
  const { key = '' } = useParams()
  const { t, l } = useText()
  const go = useNavigate()
  const [params, setParams] = useSearchParams()
  const form = useForm(key)
  const brief = useForms().data?.find((f) => f.key === key)
  const [q, setQ] = useState(params.get('q') ?? '')
  const query = { view: params.get('view') ?? undefined, q: params.get('q') ?? undefined, cursor: params.get('cursor') ?? undefined, limit: 50, count: 1 }
  const rows = useGet<Page<Row>>(`/api/form/${key}/record`, query)
  useTitle(l(form.data?.label))
  if (form.error) return <Failed problem={problemOf(form.error)} />
  if (!form.data) return <Loading />
  const f = form.data
  const set = (k: string, v: string | null) => {
    const next = new URLSearchParams(params)
    if (v) next.set(k, v)
    else next.delete(k)
    if (k !== 'cursor') next.delete('cursor')
    setParams(next)
  }
  const view = f.views.find((v) => v.id === params.get('view'))
  const columns = (view?.columns?.length ? view.columns : f.columns).map((c) => f.fields.find((x) => x.id === c)).filter((x) => x !== undefined).slice(0, 5)
  const numbered = brief?.number !== false
  return (
    <>
      <header className="head">
        <h1>{l(f.label)}</h1>
        <div className="acts">
          <Button href={url(`/api/form/${key}/record.xlsx`, { view: query.view, q: query.q })}>{t('exportExcel')}</Button>
          {brief?.can_create && <Button type="primary" onClick={() => go(`/register/${key}/new`)}>{t('create')}</Button>}
        </div>
      </header>
      {!!f.views.length && <Tabs activeKey={params.get('view') ?? ''} onChange={(v) => set('view', v || null)} items={[{ key: '', label: t('all') }, ...f.views.map((v) => ({ key: v.id, label: l(v.label) }))]} />}
      <Input.Search value={q} onChange={(e) => setQ(e.target.value)} onSearch={(v) => set('q', v || null)} placeholder={t('search')} aria-label={t('search')} allowClear className="find" />
      {rows.isLoading ? <Loading /> : rows.error ? <Failed problem={problemOf(rows.error)} again={() => rows.refetch()} /> : !rows.data?.rows.length ? (
        <div className="card empty">{t('empty')}</div>
      ) : (
        <div className="card scroll">
          <table>
            <thead><tr>{numbered && <th>{t('number')}</th>}<th>{t('subject')}</th>{columns.map((c) => <th key={c.id}>{l(c.label)}</th>)}<th>{t('state')}</th><th>{t('holder')}</th><th>{t('due')}</th></tr></thead>
            <tbody>
              {rows.data.rows.map((r) => (
                <tr key={r.id}>
                  {numbered && <td><Link to={`/record/${key}/${r.id}`}>{r.number || '—'}</Link></td>}
                  <td><Link to={`/record/${key}/${r.id}`}>{r.title || r.number || '—'}</Link></td>
                  {columns.map((c) => <td key={c.id} className={c.type === 'money' ? 'right' : ''}><View field={c} value={r.values[c.id]} /></td>)}
                  <td>{l(r.state_label)}</td>
                  <td>{(r.holder ?? []).map((h) => h.name).join('、') || '—'}</td>
                  <td>{r.due ? <Due due={r.due.due} state={r.due.state} /> : '—'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div className="pager">
        {params.get('cursor') && <Button onClick={() => set('cursor', null)}>{t('first')}</Button>}
        {rows.data?.next && <Button onClick={() => set('cursor', rows.data!.next!)}>{t('more')}</Button>}
      </div>
    </>
  )
}

export function LanguagePick({ value, onChange }: { value: string; onChange: (v: string) => void }) {
  return <Select size="small" value={value} onChange={onChange} options={[{ value: 'zh', label: '中文' }, { value: 'en', label: 'English' }]} />
}
