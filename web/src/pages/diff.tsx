// What does the other regulation say otherwise? Clause by clause, in words.
import { Select } from 'antd'
import { useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { useGet } from '../api/query'
import type { BookBrief, BookDiff, DiffClause, DiffRow } from '../api/types'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { Card, Failed, Loading } from '../elements/parts'

const STATUS = ['changed', 'absent', 'new', 'same'] as const

export default function DiffPage() {
  const { id, with: other } = useParams()
  const q = useGet<BookDiff>(`/api/rulebook/${id}/diff?with=${encodeURIComponent(other ?? '')}`, undefined, { staleTime: 60_000 })
  const books = useGet<BookBrief[]>('/api/rulebook', undefined, { staleTime: 60_000 })
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={10} />
  return <Beside diff={q.data} books={books.data ?? []} />
}

function Beside({ diff: d, books }: { diff: BookDiff; books: BookBrief[] }) {
  const { t, w } = useWords()
  const go = useNavigate()
  const [only, setOnly] = useState('')
  const title = t('diff.title', { left: w(d.left.title), right: w(d.right.title) })
  useTitle(title)
  const related = books.find((b) => b.id === d.left.id)?.related ?? [d.right.id]
  const rows = d.rows.filter((r) => (only ? r.status === only : r.status !== 'same'))
  const names = d.names.filter((n) => w(n.left) !== w(n.right))
  return (
    <>
      <header className="page-head">
        <div className="titles">
          <nav className="crumbs" aria-label={t('crumbs')}><Link to="/rulebook">{t('nav.rulebook')}</Link> <Link to={`/rulebook/${d.left.id}`}>{w(d.left.title)}</Link></nav>
          <h1>{title}</h1>
        </div>
        <div className="acts"><Link to={`/rulebook/${d.right.id}/diff/${d.left.id}`}>{t('diff.turn')}</Link></div>
      </header>
      <p className="soft">{t('diff.text')}</p>
      <div className="filters">
        <Select className="diff-with" aria-label={t('diff.with')} value={d.right.id} onChange={(to) => go(`/rulebook/${d.left.id}/diff/${to}`)}
          options={related.map((b) => ({ value: b, label: w(books.find((x) => x.id === b)?.title) || w(d.right.title) }))} />
        <div className="seg">
          <button type="button" aria-pressed={!only} className={only ? '' : 'on'} onClick={() => setOnly('')}>{t('diff.differing')}</button>
          {STATUS.map((s) => <button key={s} type="button" aria-pressed={only === s} className={only === s ? 'on' : ''} onClick={() => setOnly(s)}>{t(`diff.${s}`)} {d.count[s]}</button>)}
        </div>
      </div>
      {!only && names.length > 0 && <Card title={t('diff.names')}><ul className="diff-names">{names.map((n, i) => <li key={i}>{w(n.left)} → {w(n.right)}</li>)}</ul></Card>}
      <div className="card diff">
        {rows.map((r, i) => <Row key={i} row={r} diff={d} />)}
        {!rows.length && <p className="soft pad">{t('nothing_found')}</p>}
      </div>
      {!only && d.other.length > 0 && <Card title={t('diff.other')}><ul>{d.other.map((o, i) => <li key={i}>{w(o)}</li>)}</ul></Card>}
    </>
  )
}

function Row({ row: r, diff: d }: { row: DiffRow; diff: BookDiff }) {
  const { t, w } = useWords()
  return (
    <article className="diff-row" data-status={r.status}>
      <Said clause={r.left} book={d.left} />
      <Said clause={r.right} book={d.right} />
      <div>
        <span className={r.status === 'same' ? 'kind' : 'kind warn'}>{t(`diff.${r.status}`)}</span>
        {r.changes.length > 0 ? <ul>{r.changes.map((c, i) => <li key={i}>{w(c)}</li>)}</ul> : r.status === 'new' && <p className="soft small">{t('diff.only_text')}</p>}
      </div>
    </article>
  )
}

function Said({ clause: c, book }: { clause?: DiffClause; book: BookDiff['left'] }) {
  const { t, w } = useWords()
  if (!c) return <p className="soft said none">{t('diff.without', { book: w(book.title) })}</p>
  return <p className="said"><Link className="mono small" to={`/rulebook/${book.id}/${encodeURIComponent(c.id)}`}>§ {c.id}</Link> {w(c.text)}</p>
}
