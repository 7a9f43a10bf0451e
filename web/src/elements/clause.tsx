// The mark of a clause, and its text in a drawer: the work is not left.
import { createContext, useContext, useState, type ReactNode } from 'react'
import { Link } from 'react-router'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { ago, parse } from '../app/time'
import { useGet } from '../api/query'
import type { Clause } from '../api/types'
import { Failed, Loading, Side } from './parts'

const Open = createContext<(id: string) => void>(() => {})

export function ClauseProvider({ children }: { children: ReactNode }) {
  const [id, set] = useState<string | null>(null)
  return (
    <Open.Provider value={set}>
      {children}
      {id && <ClauseDrawer id={id} onClose={() => set(null)} />}
    </Open.Provider>
  )
}

export function ClauseChip({ id, bare }: { id?: string | null; bare?: boolean }) {
  const open = useContext(Open)
  const { t } = useWords()
  if (!id) return null
  return (
    <button
      type="button"
      className={`clause ${bare ? 'bare' : ''}`}
      aria-label={t('clause.open', { id })}
      onClick={(e) => {
        e.stopPropagation()
        e.preventDefault()
        open(id)
      }}
    >
      {bare ? '§' : `§ ${id}`}
    </button>
  )
}

export const KINDS = ['gate', 'clock', 'record', 'inspect', 'info', 'calc', 'access', 'notify', 'sanction', 'role', 'report', 'quota']

export function ClauseKind({ kind }: { kind: string }) {
  const { t } = useWords()
  return <span className={`kind ${kind}`}>{t(KINDS.includes(kind) ? `kind.${kind}` : 'kind.other')}</span>
}

export function ClauseBody({ clause: c }: { clause: Clause }) {
  const { t, lang, w } = useWords()
  const now = useNow()
  const does = [...new Set((c.does ?? []).map((d) => w(d.text) || w(d.label)).filter(Boolean))]
  const at = parse(c.last?.at)
  return (
    <>
      {c.asleep && <p className="notice amber">{w(c.asleep_why) || t('clause.asleep')}</p>}
      {c.legal && <p className="notice amber">{t('clause.legal')} {w(c.legal)}</p>}
      {c.default && <p className="notice">{t('clause.default')}</p>}
      {!!c.repeats?.length && <p className="notice">{t('clause.repeats')} {c.repeats.map((id) => <ClauseChip key={id} id={id} />)}</p>}
      <h3>{t('clause.does')}</h3>
      {does.length ? <ul className="plain does">{does.map((d) => <li key={d}>{d}</li>)}</ul> : <p className="soft">{t('clause.does_nothing')}</p>}
      <dl className="facts">
        <div><dt>{t('clause.fired')}</dt><dd>{t('times', { count: c.fired ?? 0 })}</dd></div>
        {at !== null && (
          <div>
            <dt>{t('clause.last')}</dt>
            <dd>
              {ago(at, now, lang)} {c.last?.record && c.last.form ? <Link to={`/record/${c.last.form}/${c.last.record}`}>{c.last.number || t('open')}</Link> : c.last?.number}
            </dd>
          </div>
        )}
        <div><dt>{t('clause.scenarios')}</dt><dd>{c.scenarios ?? 0}</dd></div>
      </dl>
    </>
  )
}

function ClauseDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const { t, w } = useWords()
  const q = useGet<Clause>(`/api/clause/${id}`)
  return (
    <Side title={<span className="mono">§ {id}</span>} onClose={onClose}>
      {q.error ? <Failed error={q.error} again={q.refetch} /> : !q.data ? <Loading rows={4} /> : (
        <>
          <ClauseKind kind={q.data.kind} />
          <p className="clause-text">{w(q.data.text)}</p>
          <ClauseBody clause={q.data} />
          {q.data.book && <Link to={`/rulebook/${q.data.book}/${encodeURIComponent(id)}`} onClick={onClose}>{t('clause.in_book')}</Link>}
        </>
      )}
    </Side>
  )
}
