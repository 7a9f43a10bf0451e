// The numbers of a section that its rulebook has drawn. What they are stands beside it in words; a number that is masked or unset is left out.
import { lazy, Suspense, useMemo } from 'react'
import type { Form, Value } from '../api/types'
import { useWords } from '../app/i18n'
import { Loading } from './parts'

const Chart = lazy(() => import('./chart'))

const NUMBER = /^¥?-?[\d,]+(\.\d+)?$/ // as the API or a paper says it; a mask never is one

export function SectionChart({ form: f, section, of }: { form: Form; section: string; of: (field: string) => Value }) {
  const { t, w } = useWords()
  const s = f.sections.find((x) => x.id === section)
  const told = (s?.chart ?? []).flatMap((id) => {
    const field = f.fields.find((x) => x.id === id)
    const v = of(id)
    const said = typeof v === 'number' ? String(v) : typeof v === 'string' ? v : ''
    return field && NUMBER.test(said) ? [{ name: w(field.label), n: Number(said.replace(/[¥,]/g, '')) }] : []
  })
  const key = JSON.stringify(told)
  const [names, values] = useMemo(() => { const x = JSON.parse(key) as typeof told; return [x.map((y) => y.name), x.map((y) => y.n)] }, [key])
  if (!s || told.length < 2) return null
  return (
    <figure className="section-chart">
      <Suspense fallback={<Loading rows={6} />}><Chart kind="bar" label={t('chart.of', { what: w(s.label) })} names={names} values={values} /></Suspense>
    </figure>
  )
}
