// What does our regulation say, what does the system do for it, does it really happen?
import { Button, Dropdown, Input } from 'antd'
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { useForms, useGet } from '../api/query'
import type { Book, Clause, FormBrief, Param } from '../api/types'
import { useTitle } from '../app/clock'
import { usePhone } from '../app/device'
import { useWords } from '../app/i18n'
import { useKeys } from '../app/keys'
import { ClauseBody, ClauseKind } from '../elements/clause'
import { Failed, Loading, Side } from '../elements/parts'
import { ParamValue } from '../elements/param'

const FlowPanel = lazy(() => import('../elements/flow'))

const chapter = (id: string) => id.replace(/^[^-]+-/, '').split('.')[0].replace(/[a-z]+\d*$/, '')

export default function BookPage() {
  const { id, clause } = useParams()
  const one = useGet<Clause>(!id && clause ? `/api/clause/${clause}` : null)
  const book = id ?? one.data?.book
  const q = useGet<Book>(book ? `/api/rulebook/${book}` : null, undefined, { staleTime: 60_000 })
  if (q.error || one.error) return <Failed error={q.error ?? one.error} again={q.refetch} />
  if (!q.data) return <Loading rows={10} />
  return <Reader book={q.data} at={clause} />
}

function Reader({ book: b, at }: { book: Book; at?: string }) {
  const { t, w } = useWords()
  const phone = usePhone()
  const go = useNavigate()
  const [q, setQ] = useState('')
  const [kind, setKind] = useState('')
  const [param, setParam] = useState<string>('')
  const text = useRef<HTMLDivElement>(null)
  useTitle(w(b.title))
  const chosen = b.clauses.find((c) => c.id === at) ?? (phone ? undefined : b.clauses[0])
  const list = b.clauses.filter((c) => (!kind || c.kind === kind) && (!q || w(c.text).includes(q) || c.id.includes(q)))
  const chapters = useMemo(() => {
    const m = new Map<string, Clause[]>()
    for (const c of b.clauses) m.set(chapter(c.id), [...(m.get(chapter(c.id)) ?? []), c])
    return [...m.entries()].sort((a, z) => Number(a[0]) - Number(z[0]))
  }, [b])
  const ordered = useMemo(() => {
    const order = new Map(chapters.map(([k], i) => [k, i]))
    return [...list].sort((a, z) => (order.get(chapter(a.id)) ?? 0) - (order.get(chapter(z.id)) ?? 0) || a.id.localeCompare(z.id, undefined, { numeric: true }))
  }, [list, chapters])
  const open = (c?: string) => go(`/rulebook/${b.id}${c ? '/' + encodeURIComponent(c) : ''}`, { replace: !!at, preventScrollReset: true })
  useEffect(() => {
    if (at) text.current?.querySelector(`[data-clause="${CSS.escape(at)}"]`)?.scrollIntoView({ block: 'center' })
  }, [at])
  const step = (n: number) => {
    const i = ordered.findIndex((c) => c.id === chosen?.id)
    const to = ordered[Math.max(0, Math.min(ordered.length - 1, i + n))]
    if (to) open(to.id)
  }
  useKeys({ j: () => step(1), k: () => step(-1), '/': () => text.current?.parentElement?.querySelector<HTMLInputElement>('input')?.focus() })
  const params = (b.parameters ?? []).filter((p) => chosen && (chosen.params?.includes(p.id) || p.clause === chosen.id))
  const side = chosen && (
    <>
      <p><span className="mono">§ {chosen.id}</span> <ClauseKind kind={chosen.kind} /></p>
      {phone && <p className="clause-text">{w(chosen.text)}</p>}
      <ClauseBody clause={chosen} />
      {params.length > 0 && <><h3>{t('parameters')}</h3><ul className="rows">{params.map((p) => <ParamLine key={p.id} p={p} onOpen={() => setParam(p.id)} />)}</ul></>}
    </>
  )
  const kinds = [...new Set(b.clauses.map((c) => c.kind))]
  const whole = (b.parameters ?? []).find((p) => p.id === param)
  return (
    <>
      <header className="page-head">
        <div className="titles">
          <nav className="crumbs" aria-label={t('crumbs')}><Link to="/rulebook">{t('nav.rulebook')}</Link></nav>
          <h1>{w(b.title)} <small className="soft">{t('book.version', { v: b.version ?? '' })}</small></h1>
        </div>
        <div className="acts"><Flows book={b.id} />{!!b.related?.length && <Link to={`/rulebook/${b.id}/diff/${b.related[0]}`}>{t('diff.open')}</Link>} <Link to={`/settings/${b.id}`}>{t('book.params', { count: b.parameters?.length ?? 0 })}</Link></div>
      </header>
      <div className="reader">
        {!phone && (
          <nav className="toc" aria-label={t('book.toc')}>
            {chapters.map(([k, cs]) => (
              <a key={k} href={`#ch-${k}`} className={chosen && chapter(chosen.id) === k ? 'on' : ''}>{t('book.article', { n: k })} <span className="soft small">{cs.length}</span></a>
            ))}
          </nav>
        )}
        <div>
          <div className="filters">
            <Input className="find" allowClear aria-label={t('book.find')} placeholder={t('book.find')} value={q} onChange={(e) => setQ(e.target.value)} />
            <div className="seg">{['', ...kinds].map((k) => <button key={k} type="button" aria-pressed={kind === k} className={kind === k ? 'on' : ''} onClick={() => setKind(k)}>{k ? <ClauseKindWord kind={k} /> : t('all')}</button>)}</div>
          </div>
          <div ref={text} className="book-text card">
            {ordered.map((c, i) => {
              const head = i === 0 || chapter(ordered[i - 1].id) !== chapter(c.id)
              return (
                <div key={c.id}>
                  {head && <h2 id={`ch-${chapter(c.id)}`}>{t('book.article', { n: chapter(c.id) })}</h2>}
                  <article data-clause={c.id} className={chosen?.id === c.id ? 'on' : ''}>
                    <button type="button" onClick={() => open(c.id)} aria-pressed={chosen?.id === c.id}>
                      <span className="mono small">§ {c.id}</span> <ClauseKind kind={c.kind} /> {c.asleep && <span className="kind warn">{t('clause.off')}</span>} {!!c.fired && <span className="soft small">{t('times', { count: c.fired })}</span>}
                      <span className="text">{w(c.text)}</span>
                    </button>
                  </article>
                </div>
              )
            })}
            {!ordered.length && <p className="soft pad">{t('nothing_found')}</p>}
          </div>
        </div>
        {!phone && <aside className="card pad book-side">{side}</aside>}
      </div>
      {phone && chosen && <Side title={<span className="mono">§ {chosen.id}</span>} onClose={() => open()}>{side}</Side>}
      {whole && <Side title={w(whole.label)} onClose={() => setParam('')}><ParamValue book={b.id} param={whole} /></Side>}
    </>
  )
}

/** The processes of this rulebook's forms, without a record. */
function Flows({ book }: { book: string }) {
  const { t, w } = useWords()
  const [open, setOpen] = useState<FormBrief | null>(null)
  const forms = (useForms().data ?? []).filter((f) => f.book === book && f.flow)
  if (!forms.length) return null
  return (
    <>
      <Dropdown trigger={['click']} menu={{ className: 'long-menu', items: forms.map((f) => ({ key: f.key, label: w(f.label), onClick: () => setOpen(f) })) }}>
        <Button>{t('flow.see')}</Button>
      </Dropdown>
      {open && <Suspense fallback={null}><FlowPanel form={open.key} label={w(open.label)} onClose={() => setOpen(null)} /></Suspense>}
    </>
  )
}

function ClauseKindWord({ kind }: { kind: string }) {
  const { t } = useWords()
  return <>{t(['gate', 'clock', 'record', 'inspect', 'info', 'calc', 'access', 'notify', 'sanction', 'role', 'report', 'quota'].includes(kind) ? `kind.${kind}` : 'kind.other')}</>
}

function ParamLine({ p, onOpen }: { p: Param; onOpen: () => void }) {
  const { t, w } = useWords()
  return <li><button type="button" className="link" onClick={onOpen}>{w(p.label)}</button> {p.source === 'default' && <span className="kind warn">{t('param.default')}</span>}</li>
}
