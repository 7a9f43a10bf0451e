import { Link } from 'react-router'
import { useState } from 'react'
import { Input } from 'antd'
import { useForms, useGet } from '../api/query'
import type { BookBrief, FormBrief } from '../api/types'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { ClauseChip } from '../elements/clause'
import { useHouse } from '../elements/house'
import { Card, Failed, Loading } from '../elements/parts'

export default function Registers() {
  const { t, w } = useWords()
  useTitle(t('nav.registers'))
  const forms = useForms()
  const books = useGet<BookBrief[]>('/api/rulebook', undefined, { staleTime: 600_000 })
  const [q, setQ] = useState('')
  const house = useHouse()
  if (forms.error) return <Failed error={forms.error} again={forms.refetch} />
  if (!forms.data) return <Loading rows={10} />
  const list = forms.data.filter((f) => !q || w(f.label).toLowerCase().includes(q.toLowerCase()))
  const groups: [string, FormBrief[]][] = []
  for (const b of [...new Set(list.filter((f) => f.group !== 'base').map((f) => f.book))]) groups.push([[w(books.data?.find((x) => x.id === b)?.title) || b, house(list.find((f) => f.book === b)!.key)].filter(Boolean).join('　'), list.filter((f) => f.book === b)])
  groups.push([t('registers.base'), list.filter((f) => f.group === 'base' && !f.kept)])
  groups.push([t('registers.platform'), list.filter((f) => f.group === 'base' && f.kept === 'platform')])
  groups.push([t('registers.engine'), list.filter((f) => f.group === 'base' && f.kept === 'engine')])
  return (
    <>
      <header className="page-head"><h1>{t('nav.registers')}</h1><Input className="find" allowClear aria-label={t('filter_name')} placeholder={t('filter_name')} value={q} onChange={(e) => setQ(e.target.value)} /><div className="acts"><Link to="/exports">{t('exports')}</Link></div></header>
      {groups.filter(([, l]) => l.length).map(([name, l]) => (
        <Card key={name} title={name}>
          {[...new Set(l.map((f) => (f.heading ? w(f.heading) : '')))].map((heading) => (
            <section key={heading}>
              {heading && <h3>{heading}</h3>}
              <div className="tiles">
                {l.filter((f) => (f.heading ? w(f.heading) : '') === heading).map((f) => (
                  <div className="tile" key={f.key}>
                    <Link to={f.report ? `/report/${f.key}` : `/register/${f.key}`}>{w(f.label)}</Link>
                    <ClauseChip id={f.clause} />
                  </div>
                ))}
              </div>
            </section>
          ))}
        </Card>
      ))}
    </>
  )
}
