// One action on the ticked rows, each by itself, and what became of each.
import { Button } from 'antd'
import { useState } from 'react'
import { call, problemOf } from '../../api/client'
import { recordPath, refresh } from '../../api/query'
import type { ActionDef, Form, Row } from '../../api/types'
import { useWords } from '../../app/i18n'
import { Side } from '../parts'
import { Refused } from '../refusal'

export function BulkBar({ form: f, acts, all, rows, onClear }: { form: Form; acts: ActionDef[]; all: ActionDef[]; rows: Row[]; onClear: () => void }) {
  const { t, w } = useWords()
  const [busy, setBusy] = useState('')
  const [result, setResult] = useState<{ done: number; of: number; refused: { row: Row; problem: ReturnType<typeof problemOf> }[] } | null>(null)
  const run = async (a: ActionDef) => {
    setBusy(a.id)
    const refused: { row: Row; problem: ReturnType<typeof problemOf> }[] = []
    let done = 0
    for (const r of rows) {
      try {
        await call('POST', `${recordPath(f.key, r.id)}/${a.id}`, { body: {}, etag: r.etag })
        done++
      } catch (e) {
        refused.push({ row: r, problem: problemOf(e) })
      }
    }
    setBusy('')
    setResult({ done, of: rows.length, refused })
    refresh()
  }
  const single = all.filter((a) => !a.bulk && !['create', 'edit', 'view', 'print', 'export', 'import', 'reveal', 'void'].includes(a.id)).slice(0, 2)
  return (
    <div className="bulk" role="region" aria-label={t('list.bulk')}>
      <b>{t('list.ticked', { count: rows.length })}</b>
      {acts.map((a) => <Button key={a.id} loading={busy === a.id} onClick={() => void run(a)}>{w(a.label)}</Button>)}
      {single.length > 0 && <span className="soft">{t('list.singly', { what: single.map((a) => w(a.label)).join('、') })}</span>}
      <button type="button" className="link" onClick={onClear}>{t('list.untick')}</button>
      {result && (
        <Side title={t('list.result', { done: result.done, of: result.of })} onClose={() => { setResult(null); onClear() }}>
          {result.refused.map((x) => <div key={x.row.id}><h3>{x.row.number || x.row.title}</h3><Refused problem={x.problem} /></div>)}
        </Side>
      )}
    </div>
  )
}
