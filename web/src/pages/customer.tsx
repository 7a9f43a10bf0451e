// Who is this to us: the figures, what blocks, what comes next. The rest is the record itself.
import { Link } from 'react-router'
import { useGet } from '../api/query'
import type { Clock, Form, Page, Rec } from '../api/types'
import { useWords } from '../app/i18n'
import { ClauseChip } from '../elements/clause'
import { Deadline } from '../elements/deadline'
import { Card } from '../elements/parts'
import { FieldView, missing } from '../fields'

export function CustomerHead({ rec, form }: { rec: Rec; form: Form }) {
  const { t, w } = useWords()
  const clocks = useGet<Page<Clock>>('/api/clock', { q: rec.title || rec.number || '', state: 'open' })
  const figures = form.fields.filter((f) => /^(money|percent|int|quantity|decimal)$/.test(f.type) && !missing(rec.values[f.id])).slice(0, 5)
  const grade = form.fields.find((f) => /grade|level/.test(f.id) && !missing(rec.values[f.id]))
  const next = [...(clocks.data?.rows ?? [])].filter((c) => c.due).sort((a, b) => String(a.due).localeCompare(String(b.due))).slice(0, 5)
  const counts = (rec.related ?? []).filter((x) => x.total > 0)
  return (
    <>
      {(figures.length > 0 || counts.length > 0) && (
        <ul className="figures">
          {grade && <li><span className="soft">{w(grade.label)}</span><b><FieldView field={grade} value={rec.values[grade.id]} /></b></li>}
          {figures.map((f) => <li key={f.id}><span className="soft">{w(f.label)}</span><b><FieldView field={f} value={rec.values[f.id]} /></b></li>)}
          {counts.slice(0, Math.max(0, 5 - figures.length - (grade ? 1 : 0))).map((x) => <li key={x.form + x.relation}><span className="soft">{w(x.label)}</span><b>{x.total}</b></li>)}
        </ul>
      )}
      {next.length > 0 && (
        <Card title={t('customer.next')}>
          <ul className="rows waiting">
            {next.map((c) => (
              <li key={c.id}>
                <Deadline due={c.due} from={c.from} state={c.state} warned={c.warned} working={c.working} exact="beside" />
                <span>{w(c.label)} <ClauseChip id={c.clause} /></span>
                {c.form && c.record && <Link to={`/record/${c.form}/${c.record}`}>{c.number || t('open')}</Link>}
              </li>
            ))}
          </ul>
        </Card>
      )}
    </>
  )
}
