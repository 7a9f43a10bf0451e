// What of a register may be the same, two by two: merge them, or say that they are not the same, which is remembered.
import { Button } from 'antd'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { call, get, problemOf, type Refusal } from '../api/client'
import { recordPath, useForm } from '../api/query'
import type { AlikeRow, Form, Problem, Rec } from '../api/types'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { Card, Failed, Loading } from '../elements/parts'
import { Refused } from '../elements/refusal'
import { idOf } from '../fields'
import './merge.css'

interface Pair { one: AlikeRow; other: AlikeRow }
interface Part { pairs: Pair[]; looked: number; next: string }

export default function AlikePage() {
  const { key = '' } = useParams()
  const { t, w } = useWords()
  const form = useForm(key)
  useTitle(t('pairs.title'))
  if (form.error) return <Failed error={form.error} again={form.refetch} />
  if (!form.data) return <Loading rows={6} />
  return (
    <div className="narrow">
      <header className="page-head"><h1>{t('pairs.title')}</h1><div className="acts"><Link to={`/register/${key}`}>{w(form.data.label)}</Link></div></header>
      {form.data.merge ? <Pairs form={form.data} /> : <p className="card pad">{t('not_here')}</p>}
    </div>
  )
}

function Pairs({ form: f }: { form: Form }) {
  const { t, w } = useWords()
  const go = useNavigate()
  const path = `/api/form/${f.key}/alike`
  const [apart, setApart] = useState<Set<string>>(new Set())
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState('')
  const q = useInfiniteQuery<Part, Refusal>({
    queryKey: [path], initialPageParam: '', queryFn: ({ pageParam }) => get<Part>(path, { cursor: String(pageParam) }), getNextPageParam: (p) => p.next || undefined, gcTime: 0,
  })
  if (q.error && !q.data) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={6} />
  const id = (p: Pair) => `${p.one.id}/${p.other.id}`
  const pairs = q.data.pages.flatMap((p) => p.pairs).filter((p) => !apart.has(id(p)))
  const looked = q.data.pages.reduce((n, p) => n + p.looked, 0)
  const name = (r: AlikeRow) => [r.number, r.title].filter((x, i, a) => x && a.indexOf(x) === i).join(' ')
  const differ = async (p: Pair) => {
    setBusy(id(p))
    setProblem(null)
    try {
      const rec = await get<Rec>(recordPath(f.key, p.one.id))
      const before = (rec.values[f.merge!.apart!] as unknown[] | null) ?? []
      await call('POST', `${recordPath(f.key, p.one.id)}/${f.merge!.set_apart}`, { etag: rec.etag, body: { values: { [f.merge!.apart!]: [...before.map((x) => idOf(x as never)), p.other.id] } } })
      setApart(new Set(apart).add(id(p)))
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy('')
  }
  return (
    <Card title={t('pairs.found', { n: pairs.length, looked })}>
      <p className="soft">{t('pairs.text')}</p>
      {problem && <Refused problem={problem}><Button onClick={() => setProblem(null)}>{t('close')}</Button></Refused>}
      {!pairs.length && <p>{q.hasNextPage ? t('pairs.none_yet') : t('pairs.none')}</p>}
      <ul className="rows alike-pairs">
        {pairs.map((p) => (
          <li key={id(p)}>
            <div className="two">
              {[p.one, p.other].map((r) => <span key={r.id}><Link to={`/record/${f.key}/${r.id}`}>{name(r)}</Link> <span className="soft small">{w(r.state_label)}</span></span>)}
              <span className="soft small">{p.other.why.map((x) => t(x.same ? 'alike.field_same' : 'alike.field_near', { what: w(x.label) })).join(t('comma'))}</span>
            </div>
            <div className="answers">
              <Button type="primary" aria-label={t('pairs.merge_of', { one: name(p.one), other: name(p.other) })} onClick={() => go(`/record/${f.key}/${p.one.id}/merge?with=${p.other.id}`)}>{t('pairs.merge')}</Button>
              {f.merge!.set_apart && <Button loading={busy === id(p)} aria-label={t('pairs.apart_of', { one: name(p.one), other: name(p.other) })} onClick={() => void differ(p)}>{t('pairs.apart')}</Button>}
            </div>
          </li>
        ))}
      </ul>
      {q.hasNextPage && <Button loading={q.isFetchingNextPage} onClick={() => void q.fetchNextPage()}>{t('pairs.on')}</Button>}
    </Card>
  )
}
