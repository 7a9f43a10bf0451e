// A house that has just been founded: what comes first, what next? It goes by itself when a regulation is adopted.
import { Link } from 'react-router'
import { useGet } from '../api/query'
import type { BookBrief, Page } from '../api/types'
import { useWords } from '../app/i18n'
import { Card } from './parts'

const some = { limit: 2 }

export function Begin() {
  const { t } = useWords()
  const books = useGet<BookBrief[]>('/api/rulebook')
  const young = !!books.data && !books.data.some((b) => b.clauses?.total && b.adopted?.length)
  return young ? <Card title={t('begin.title')}><p className="soft">{t('begin.text')}</p><Steps /></Card> : null
}

function Steps() {
  const { t } = useWords()
  const units = useGet<Page<unknown>>('/api/form/base.unit/record', some)
  const people = useGet<Page<unknown>>('/api/form/base.person/record', some)
  const steps: [string, boolean, [string, string][]][] = [
    ['units', (units.data?.rows.length ?? 0) > 1, [['one', '/register/base.unit/new'], ['many', '/register/base.unit/import']]],
    ['people', (people.data?.rows.length ?? 0) > 1, [['one', '/register/base.person/new'], ['many', '/register/base.person/import']]],
    ['book', false, [['choose', '/rulebook']]],
  ]
  return (
    <ol className="rows">
      {steps.map(([step, done, ways]) => (
        <li key={step}>
          <b>{t(`begin.${step}`)}</b>{done && <> <span className="kind">{t('begin.done')}</span></>}
          <div className="soft">{t(`begin.${step}_text`)}</div>
          <div>{ways.map(([way, to], i) => <Link key={way} className={i ? 'apart' : undefined} to={to} aria-label={`${t(`begin.${step}`)}: ${t(`begin.${way}`)}`}>{t(`begin.${way}`)}</Link>)}</div>
        </li>
      ))}
    </ol>
  )
}
