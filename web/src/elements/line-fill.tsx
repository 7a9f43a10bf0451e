// Rows to fill: of an owned table, which grows and shrinks, or of a report, whose rows the system has counted.
import { DeleteOutlined, PlusOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useWords } from '../app/i18n'
import type { LineDef, Problem, Value, Values } from '../api/types'
import { rowEmpty, rowKey } from './draft'
import { FieldInput, FieldView, kindOf, missing } from '../fields'

export function LineFill({ form, record, prefix, line, rows, onChange, problem }: { form: string; record?: string; prefix: string; line: LineDef; rows: Values[]; onChange: (change: (rows: Values[]) => Values[]) => void; problem?: Problem | null }) {
  const { t, w } = useWords()
  const fields = line.fields.filter((f) => !f.computed)
  const known = line.fixed ? line.fields.filter((f) => f.computed) : []
  // what is typed in the first row, put into every row where nothing stands yet
  const alike = () => onChange((rows) => rows.map((r) => ({ ...Object.fromEntries(fields.map((f) => [f.id, rows[0][f.id]])), ...Object.fromEntries(Object.entries(r).filter(([, v]) => !missing(v))) })))
  const bad = problem?.items?.find((i) => i.field === line.id)
  // rows pasted from a spreadsheet: one line a row, tabs between the columns
  const paste = (e: React.ClipboardEvent) => {
    const s = e.clipboardData.getData('text/plain')
    if (!s.includes('\t')) return
    e.preventDefault()
    const more = s.trim().split(/\r?\n/).map((r) => Object.fromEntries(r.split('\t').slice(0, fields.length).map((c, i) => [fields[i].id, c.trim()])))
    if (line.fixed) return onChange((rows) => rows.map((r, i) => ({ ...r, ...more[i] })))
    onChange((rows) => [...rows.filter((r) => !rowEmpty(r)), ...more])
  }
  return (
    <fieldset className="lines wide" onPaste={paste} id={`${prefix}-${line.id}`} tabIndex={-1}>
      <legend>{w(line.label)}</legend>
      {bad && <div className="bad">{w(bad.say)}</div>}
      {line.fixed && !rows.length && <p className="soft">{t('line.none')}</p>}
      {rows.map((row, i) => (
        <div className="line" key={rowKey(row)} role="group" aria-label={t('line.n', { n: i + 1 })}>
          <div className="fill">
            {known.length > 0 && (
              <dl className="known wide">
                {known.filter((f) => !missing(row[f.id])).map((f) => (
                  <div key={f.id}><dt>{w(f.label)}</dt> <dd><FieldView field={f} value={row[f.id] as Value} dense /></dd></div>
                ))}
              </dl>
            )}
            {fields.map((f) => {
              const id = `${prefix}-${line.id}-${i}-${f.id}`
              return (
                <div key={f.id} className={`item ${kindOf(f).wide ? 'wide' : ''}`}>
                  <label id={`${id}-label`} htmlFor={id}>{w(f.label)} {!f.required && <small className="soft">{t('optional')}</small>}</label>
                  <FieldInput id={id} form={form} record={record} field={{ ...f, line: line.id }} value={row[f.id]} onChange={(v) => onChange((rows) => rows.map((r) => (rowKey(r) === rowKey(row) ? { ...r, [f.id]: v } : r)))} />
                </div>
              )
            })}
          </div>
          {line.fixed && i === 0 && rows.length > 1 && fields.some((f) => !missing(row[f.id])) && <Button onClick={alike}>{t('line.alike')}</Button>}
          {!line.fixed && <Button type="text" icon={<DeleteOutlined />} aria-label={t('line.remove', { n: i + 1 })} onClick={() => onChange((rows) => rows.filter((r) => rowKey(r) !== rowKey(row)))} />}
        </div>
      ))}
      {!line.fixed && <Button icon={<PlusOutlined />} onClick={() => onChange((rows) => [...rows, {}])}>{t('line.add', { what: w(line.label) })}</Button>}
    </fieldset>
  )
}
