import { Link, useSearchParams } from 'react-router'
import { useGet } from '../api/query'
import type { SearchResult } from '../api/types'
import { useTitle } from '../app/clock'
import { hitsOf, Marked } from '../app/hits'
import { useWords } from '../app/i18n'
import { Card, Failed, Loading } from '../elements/parts'

export default function Search() {
  const { t, w } = useWords()
  const [params] = useSearchParams()
  const q = params.get('q') ?? ''
  const found = useGet<SearchResult>(q ? '/api/search' : null, { q })
  useTitle(`${t('search.title')} ${q}`)
  if (found.error) return <Failed error={found.error} again={found.refetch} />
  if (q && !found.data) return <Loading rows={8} />
  const hits = hitsOf(found.data, w)
  const groups = [...new Set(hits.map((h) => h.group))]
  return (
    <>
      <header className="page-head"><h1>{t('search.title')} <small className="soft">{q}</small></h1></header>
      {!hits.length && <Card><p className="soft">{q ? t('search.none', { q }) : t('search.what')}</p></Card>}
      {groups.map((g) => (
        <Card key={g} title={g}>
          <ul className="rows">{hits.filter((h) => h.group === g).map((h) => <li key={h.key}><Link to={h.to}><Marked text={h.title} q={q} /></Link> <span className="soft small">{h.sub}</span></li>)}</ul>
        </Card>
      ))}
    </>
  )
}
