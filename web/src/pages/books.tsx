import { Link } from 'react-router'
import { useGet } from '../api/query'
import type { BookBrief } from '../api/types'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { KINDS } from '../elements/clause'
import { useMe } from '../app/session'
import { Card, Failed, Loading } from '../elements/parts'

export default function Books() {
  const { t, w, lang } = useWords()
  const me = useMe()
  const q = useGet<BookBrief[]>('/api/rulebook')
  useTitle(t('nav.rulebook'))
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={4} tall />
  return (
    <>
      <header className="page-head"><h1>{t('nav.rulebook')}</h1></header>
      {q.data.map((b) => {
        const [zh, en] = w(b.source).split(/\s*\|\s*/)
        return (
          <Card key={b.id} title={<Link to={`/rulebook/${b.id}`}>{w(b.title)}</Link>} extra={<span className="soft small">{t('book.version', { v: b.version ?? '' })}</span>}>
            <p className="soft">{lang === 'en' ? en || zh : zh}</p>
            <p>
              {b.clauses?.total ? t('book.clauses', { count: b.clauses.total }) : ''}{' '}
              {Object.entries(b.clauses?.by_kind ?? {}).map(([k, n]) => <span key={k} className="kind">{t(KINDS.includes(k) ? `kind.${k}` : 'kind.other')} {n}</span>)}
            </p>
            {(b.adopted ?? []).map((a, i) => <p key={i} className="small">{t('book.adopted', { unit: w(a.unit), from: a.from })}</p>)}
            {!!b.clauses?.total && !b.adopted?.length && me.rights.includes('settings') && <p><Link to={`/adopt/${b.id}`} aria-label={t('adopt.open_of', { book: w(b.title) })}>{t('adopt.open')}</Link></p>}
          </Card>
        )
      })}
    </>
  )
}
