// Two papers that must agree: one table, what differs first, what is the same folded with its count; below it only the ways the clause allows.
import { Button } from 'antd'
import { LockOutlined } from '@ant-design/icons'
import { useState } from 'react'
import { useWords } from '../app/i18n'
import type { ActionOpen, ComparedRow, Comparison, Rec } from '../api/types'
import { FieldView, kindOf } from '../fields'
import { ClauseChip } from './clause'
import { Card } from './parts'
import { People } from './refusal'

export function Compare({ of: c, rec, busy, onDo }: { of: Comparison; rec: Rec; busy: string; onDo: (a: ActionOpen) => void }) {
  const { t, w } = useWords()
  const [whole, setWhole] = useState(false)
  const same = c.rows.filter((x) => x.equal === true)
  const untold = c.rows.filter((x) => x.equal === null).length
  const shown = whole ? c.rows : c.rows.filter((x) => x.equal !== true)
  const open = rec.actions.open.filter((a) => c.actions.includes(a.id))
  const closed = rec.actions.closed.filter((a) => c.actions.includes(a.id) && a.problem.group !== 'state')
  const side = (x: ComparedRow, v: unknown, of: string) => <td className={kindOf(x.field).column.align} data-of={of}><FieldView field={x.field} value={v} /></td>
  const verdict = (x: ComparedRow) => (x.equal === null ? t('compare.untold') : x.equal ? `✓ ${t('compare.same')}` : `≠ ${t('compare.differs')}`)
  return (
    <Card className="compare" title={<>{w(c.label)} <ClauseChip id={c.clause} /></>}
      extra={c.unequal ? <span className="mark late">≠ {t('compare.unequal', { count: c.unequal })}</span> : !untold && <span className="mark met">✓ {t('compare.equal')}</span>}>
      {untold > 0 && <p className="soft">{t('compare.unknown', { count: untold })}</p>}
      {shown.length > 0 && (
        <div className="table-box">
          <table className="list">
            <thead><tr><th>{t('compare.what')}</th><th className="right">{w(c.one)}</th><th className="right">{w(c.other)}</th><th>{t('compare.verdict')}</th></tr></thead>
            <tbody>
              {shown.map((x, i) => (
                <tr key={i} className={x.equal === false ? 'differs' : x.equal ? 'same' : ''}>
                  <td>{x.key_field && x.key !== undefined && <><FieldView field={x.key_field} value={x.key} dense /> </>}<span className={x.key !== undefined ? 'soft' : ''}>{w(x.label)}</span> {x.clause && x.clause !== c.clause && <ClauseChip id={x.clause} />}</td>
                  {side(x, x.one, w(c.one))}
                  {side(x, x.other, w(c.other))}
                  <td className="verdict">{verdict(x)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {same.length > 0 && <button type="button" className="link" aria-expanded={whole} onClick={() => setWhole(!whole)}>{whole ? t('compare.fold') : t('compare.folded', { count: same.length })}</button>}
      {(open.length > 0 || closed.length > 0) && (
        <div className="compare-ways">
          <h3>{t('compare.ways')}</h3>
          <div className="row-actions">
            {open.map((a) => <Button key={a.id} loading={busy === a.id} onClick={() => onDo(a)}>{a.sign ? t('tasks.sign', { what: w(a.label) }) : w(a.label)}</Button>)}
          </div>
          <ul className="closed">
            {closed.map((a) => (
              <li key={a.id}><LockOutlined aria-hidden /><div><b>{w(a.label)}</b> <ClauseChip id={a.clause ?? a.problem.items?.[0]?.clause} /><div>{[...new Set((a.problem.items ?? []).map((x) => w(x.say)))].join(t('semicolon')) || a.problem.detail}</div>{!!a.problem.who_may?.length && <div className="soft small">{t('who_may')} <People list={a.problem.who_may} max={3} /></div>}</div></li>
            ))}
          </ul>
        </div>
      )}
    </Card>
  )
}
