// The rows of an owned table or a report. A report's rows name their record once, as the way to it, and may have a sum below.
import { Link } from 'react-router'
import { useWords } from '../app/i18n'
import { addUp } from '../app/money'
import type { Field, Line, LineDef } from '../api/types'
import { FieldView, idOf, kindOf, missing } from '../fields'

export function LineTable({ line, rows }: { line: LineDef; rows: Line[] }) {
  const { t, w } = useWords()
  const of = line.fixed ? line.fields.find((f) => f.id === 'of') : undefined
  const columns = line.fields.filter((f) => f !== of)
  const sum = (f: Field) => {
    const s = addUp(rows.map((r) => idOf(r.values?.[f.id])))
    return f.type === 'int' ? s.replace(/\.0+$/, '') : s
  }
  const way = (r: Line) => {
    const v = of && r.values?.[of.id]
    return v && typeof v === 'object' && 'form' in v ? `/record/${(v as { form: string }).form}/${idOf(v)}` : undefined
  }
  return (
    <div className="table-box" role="region" tabIndex={0} aria-label={w(line.label)}>{/* on a narrow screen it scrolls: by keyboard too */}
      <table className={columns.length > 6 ? 'many' : ''}>
        <thead><tr>{columns.map((c) => <th key={c.id} className={kindOf(c).column.align}>{w(c.label)}</th>)}</tr></thead>
        <tbody>
          {rows.map((row, n) => {
            const to = way(row)
            return (
              <tr key={row.id ?? n}>
                {columns.map((c, i) => {
                  const v = row.values?.[c.id]
                  return <td key={c.id} className={kindOf(c).column.align}>{i === 0 && to && !missing(v) && typeof v !== 'object' ? <Link to={to}>{String(v)}</Link> : <FieldView field={c} value={v} />}</td>
                })}
              </tr>
            )
          })}
        </tbody>
        {columns.some((c) => c.total) && (
          <tfoot><tr>{columns.map((c, i) => <td key={c.id} className={kindOf(c).column.align}>{c.total ? <FieldView field={c} value={sum(c)} /> : i === 0 ? t('total') : ''}</td>)}</tr></tfoot>
        )}
      </table>
    </div>
  )
}
