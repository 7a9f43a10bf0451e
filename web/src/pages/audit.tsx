// Who did what on whose authority, and can I trust this list?
import { DownloadOutlined } from '@ant-design/icons'
import { Button, Checkbox, Input } from 'antd'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { get, post, problemOf, save, type Refusal } from '../api/client'
import { queries, useGet } from '../api/query'
import type { Count, Page, Problem, Text } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { dataTime, parse } from '../app/time'
import { number } from '../app/money'
import { ClauseChip } from '../elements/clause'
import { Card, Empty, Failed, Loading, Side } from '../elements/parts'
import { Refused } from '../elements/refusal'
import { plain } from '../fields/plain'

interface Entry { id: string; at: string; by?: { name: string; unit?: string } | null; origin?: string; form?: string; form_label?: Text; record?: string; number?: string; action?: string; label?: Text; text?: Text; clauses?: string[]; refused?: boolean; sealed?: boolean; raw?: string; version?: string; hash?: string; leaf?: number | null; facts?: Record<string, unknown> | null }
interface Witness { name: string; size: number; at: string }
interface State { entries: number; sealed: number; root?: string; checkpoint?: string; sealed_at?: string; witnesses?: Witness[] | null; unwitnessed?: number; held?: Text | null; verified_at?: string; verified?: number; result?: string; findings?: string[] | null }

export default function Audit() {
  const { t, w, lang } = useWords()
  const now = useNow()
  const [params, setParams] = useSearchParams()
  const [open, setOpen] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const query = { clause: params.get('clause') ?? '', action: params.get('action') ?? '', record: params.get('record') ?? '', person: params.get('person') ?? '', refused: params.get('refused') ?? '', limit: 50 }
  const state = useGet<State>('/api/audit')
  const alone = useGet<Count>('/api/form/base.role_grant/count', { view: 'alone' })
  const list = useInfiniteQuery<Page<Entry>, Refusal>({
    queryKey: ['/api/journal', query],
    queryFn: ({ pageParam, signal }) => get<Page<Entry>>('/api/journal', { ...query, cursor: pageParam as string }, signal),
    initialPageParam: '' as unknown,
    getNextPageParam: (p) => p.next || undefined,
    staleTime: Infinity, // each look at the journal is an entry of its own: only a person looks
    refetchOnMount: 'always',
    refetchOnWindowFocus: false,
  })
  useTitle(t('nav.audit'))
  const put = (k: string, v: string) => { const p = new URLSearchParams(params); if (v) p.set(k, v); else p.delete(k); setParams(p, { replace: true }) }
  const verify = async () => {
    setBusy(true)
    setProblem(null)
    try {
      const s = await post<State>('/api/audit/verify')
      queries.setQueryData(['/api/audit', {}], s)
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy(false)
  }
  const rows = list.data?.pages.flatMap((p) => p.rows) ?? []
  const s = state.data
  const verified = parse(s?.verified_at)
  const sealed = parse(s?.sealed_at)
  return (
    <>
      <header className="page-head"><h1>{t('nav.audit')}</h1><div className="acts"><Button icon={<DownloadOutlined />} href="/api/log/packet" download>{t('audit.packet')}</Button><Button loading={busy} onClick={() => void verify()}>{t('audit.verify')}</Button></div></header>
      {state.error ? <Failed error={state.error} /> : s && (
        <Card>
          {s.held && <p className="lead warn" role="alert">{w(s.held)}</p>}
          {verified === null ? <p className="lead">{t('audit.not_yet', { n: number(s.entries) })}</p>
            : s.result === 'ok' ? <p className="lead">{t('audit.ok', { n: number(s.verified ?? 0), at: dataTime(verified) })}</p>
              : <div role="alert"><p className="lead warn">{t('audit.differs', { at: dataTime(verified) })}</p><ul className="mono small">{(s.findings ?? []).map((f) => <li key={f}>{f}</li>)}</ul></div>}
          <p className="soft small">{t('audit.sealed', { n: number(s.sealed), at: sealed === null ? '—' : dataTime(sealed) })} <span className="mono">{s.root}</span></p>
          <Witnesses list={s.witnesses ?? []} tail={s.unwitnessed ?? 0} />
          {s.checkpoint && <details><summary>{t('audit.checkpoint')}</summary><div className="raw">{s.checkpoint}</div><p className="soft small">{t('audit.offline')} <code>zhanggui verify</code></p></details>}
        </Card>
      )}
      {problem && <Refused problem={problem} />}
      {!!alone.data?.total && <p className="notice amber">{t('audit.alone', { count: alone.data.total })} <Link to="/register/base.role_grant?view=alone">{t('audit.alone_open')}</Link></p>}
      <p className="soft small">{t('audit.watched')}</p>
      <div className="filters">
        <Input allowClear className="find" aria-label={t('clause')} placeholder={t('audit.clause')} defaultValue={query.clause} onPressEnter={(e) => put('clause', e.currentTarget.value.trim())} onClear={() => put('clause', '')} />
        <Checkbox checked={!!query.refused} onChange={(e) => put('refused', e.target.checked ? '1' : '')}>{t('audit.refused')}</Checkbox>
      </div>
      <Card className="gap-above">
        {list.error ? <Failed error={list.error} again={list.refetch} /> : !list.data ? <Loading rows={8} /> : !rows.length ? <Empty>{t('nothing_found')}</Empty> : (
          <div className="table-box">
            <table className="list trail">
              <thead><tr><th>{t('audit.at')}</th><th>{t('audit.who')}</th><th>{t('audit.what')}</th><th>{t('record')}</th><th>{t('clause')}</th></tr></thead>
              <tbody>
                {rows.map((e) => {
                  const at = parse(e.at)
                  return (
                    <tr key={e.id} onClick={() => setOpen(e.id)}>
                      <td className="nowrap num">{at === null ? '' : dataTime(at).slice(dataTime(at).slice(0, 4) === dataTime(now).slice(0, 4) ? 5 : 0)}</td>
                      <td className="nowrap">{e.by ? [e.by.unit, e.by.name].filter(Boolean).join(' ') : t('system')}</td>
                      <td>{e.refused && <span className="kind warn">{t('audit.refused_mark')}</span>} <button type="button" className="words" onClick={(x) => { x.stopPropagation(); setOpen(e.id) }}>{said(e, w, lang)}</button></td>
                      <td className="nowrap">{e.form && e.record ? <Link to={`/record/${e.form}/${e.record}`} onClick={(x) => x.stopPropagation()}>{[w(e.form_label), e.number].filter(Boolean).join(' ') || t('open')}</Link> : '—'}</td>
                      <td><ClauseChip id={e.clauses?.[0]} />{(e.clauses?.length ?? 0) > 1 && <span className="soft small"> {t('and_more', { count: e.clauses!.length - 1 })}</span>}</td>
                    </tr>
                  )
                })}
              </tbody>
            </table>
          </div>
        )}
        {list.hasNextPage && <div className="center"><Button loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{t('list.more', { count: 50 })}</Button></div>}
      </Card>
      {open && <One id={open} onClose={() => setOpen('')} lang={lang} size={s?.sealed ?? 0} />}
    </>
  )
}

// What an entry did: the action and what came of it. That of a refusal names its action itself.
const said = (e: Entry, w: (x?: Text) => string, lang: 'zh' | 'en') => e.refused ? w(e.text) : [w(e.label), w(e.text)].filter(Boolean).join(lang === 'zh' ? '：' : ': ')

// Who keeps checkpoints elsewhere, how far, and what nobody outside vouches for yet.
function Witnesses({ list, tail }: { list: Witness[]; tail: number }) {
  const { t } = useWords()
  return (
    <>
      <p className={tail > 0 ? 'small' : 'soft small'}>{list.some((x) => x.name) ? t('audit.tail', { n: number(tail) }) : t('audit.no_witness', { n: number(tail) })}</p>
      {list.length > 0 && <ul className="small">{list.map((x) => {
        const at = parse(x.at)
        return <li key={x.name}>{t('audit.witness', { name: x.name || t('audit.local'), n: number(x.size), at: at === null ? '—' : dataTime(at) })}</li>
      })}</ul>}
    </>
  )
}

// The hashes that lead from an entry to the root of the checkpoint.
function Proof({ leaf, size }: { leaf: number; size: number }) {
  const { t } = useWords()
  const q = useGet<{ proof: string[] }>('/api/log/inclusion', { leaf, size })
  if (q.error) return <Failed error={q.error} />
  return q.data ? <><p className="soft small">{t('audit.proof_text', { leaf: number(leaf + 1), n: number(size) })}</p><ol className="mono small">{q.data.proof.map((h) => <li key={h}>{h}</li>)}</ol></> : <Loading rows={3} />
}

function One({ id, onClose, lang, size }: { id: string; onClose: () => void; lang: 'zh' | 'en'; size: number }) {
  const { t, w } = useWords()
  const [proof, setProof] = useState(false)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [taken, setTaken] = useState('')
  const q = useGet<Entry>(`/api/journal/${id}`)
  const e = q.data
  const raw = (() => { try { return JSON.stringify(JSON.parse(e?.raw ?? ''), null, 1) } catch { return e?.raw ?? '' } })()
  const take = async (form: string, record: string, number = '') => {
    const name = number ? `packet-${number}.zip` : 'packet.zip'
    setBusy(true)
    setProblem(null)
    setTaken('')
    try {
      await save(`/api/form/${form}/packet`, name, { records: [record] })
      setTaken(name)
      void queries.invalidateQueries({ queryKey: [`/api/journal/${id}`] }) // taking it sealed it, if nothing had
      void queries.invalidateQueries({ queryKey: ['/api/audit'] })
    } catch (x) {
      const p = problemOf(x)
      setProblem(p.kind === 'not_found' ? { ...p, title: t('audit.packet_unseen') } : p) // its entry is before him: that there is no such record would puzzle
    }
    setBusy(false)
  }
  return (
    <Side title={t('audit.entry')} onClose={onClose} width={560}>
      {q.error ? <Failed error={q.error} /> : !e ? <Loading rows={6} /> : (
        <>
          <p className="lead">{said(e, w, lang)}</p>
          <dl className="facts">
            {e.form && e.record && <div><dt>{t('record')}</dt><dd><Link to={`/record/${e.form}/${e.record}`}>{[w(e.form_label), e.number].filter(Boolean).join(' ') || t('open')}</Link></dd></div>}
            <div><dt>{t('audit.who')}</dt><dd>{e.by ? [e.by.unit, e.by.name].filter(Boolean).join(' ') : t('system')}</dd></div>
            <div><dt>{t('audit.at')}</dt><dd className="num">{plain(e.at, lang)}</dd></div>
            {!!e.clauses?.length && <div><dt>{t('clause')}</dt><dd>{e.clauses.map((c) => <ClauseChip key={c} id={c} />)}</dd></div>}
            <div><dt>{t('audit.sealed_mark')}</dt><dd>{e.sealed ? t('yes') : t('no')}</dd></div>
          </dl>
          {!!Object.keys(e.facts ?? {}).length && <details><summary>{t('audit.facts')}</summary><dl className="facts">{Object.entries(e.facts ?? {}).map(([k, v]) => <div key={k}><dt className="mono">{k}</dt><dd>{String(v)}</dd></div>)}</dl></details>}
          {e.raw && <details><summary>{t('audit.raw')}</summary><p className="soft small">{t('audit.hash')} <span className="mono">{e.hash}</span></p><pre className="raw">{raw}</pre></details>}
          {e.raw && typeof e.leaf === 'number' && e.leaf < size && <details onToggle={(x) => x.currentTarget.open && setProof(true)}><summary>{t('audit.proof')}</summary>{proof && <Proof leaf={e.leaf} size={size} />}</details>}
          {e.raw && e.form && e.record && !e.refused && <p className="gap-above"><Button icon={<DownloadOutlined />} loading={busy} onClick={() => void take(e.form!, e.record!, e.number)}>{t('audit.packet_one')}</Button></p>}
          {taken && <p className="soft small" role="status">{t('audit.packet_taken')} <code>zhanggui verify-packet {taken}</code></p>}
          {problem && <Refused problem={problem} />}
        </>
      )}
    </Side>
  )
}
