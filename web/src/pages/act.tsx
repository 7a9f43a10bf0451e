import { Alert, Button, Input, Modal } from 'antd'
import { useEffect, useMemo, useState } from 'react'
import { useText } from '../app/lang'
import { money } from '../app/money'
import { call, newKey, problemOf } from '../api/client'
import { recordPath, refresh } from '../api/query'
import type { ActionOpen, Done, Field, Form, Problem, Rec, Values } from '../api/types'
import { ClauseChip, Refused } from '../elements/parts'
import { Entry } from '../fields/field'

type Rows = Record<string, Values[]>
interface Draft { values: Values; lines: Rows }

/** What was typed stays on this device until the server has it. */
export function useDraft(key: string, start: Draft): [Draft, (d: Draft) => void, () => void] {
  const [draft, set] = useState<Draft>(() => {
    try {
      const kept = localStorage.getItem(key)
      if (kept) return JSON.parse(kept) as Draft
    } catch { /* an unreadable draft is no draft */ }
    return start
  })
  useEffect(() => { try { localStorage.setItem(key, JSON.stringify(draft)) } catch { /* a full store keeps the screen's copy */ } }, [key, draft])
  return [draft, set, () => localStorage.removeItem(key)]
}

const flat = (v: unknown): unknown => {
  if (Array.isArray(v)) return v.map(flat)
  if (v && typeof v === 'object' && 'id' in v) return (v as { id: string }).id
  return v
}

/** The fields to fill, with their lines; problems stand at their field. */
export function Fill({ form, fields, lines, draft, onChange, problem, required }: { form: Form; fields: Field[]; lines: string[]; draft: Draft; onChange: (d: Draft) => void; problem?: Problem | null; required: (id: string) => boolean }) {
  const { t, l } = useText()
  const wrong = (id: string) => problem?.items?.find((i) => i.field === id)
  return (
    <div className="fill">
      {fields.map((f) => (
        <div key={f.id} className={f.type === 'note' ? 'wide' : ''}>
          {f.type !== 'bool' && <label>{l(f.label)} {!required(f.id) && <small>{t('optional')}</small>} <ClauseChip id={f.clause} /></label>}
          <Entry form={form.key} field={f} value={draft.values[f.id]} onChange={(v) => onChange({ ...draft, values: { ...draft.values, [f.id]: v } })} />
          {l(f.hint) && <div className="hint">{l(f.hint)}</div>}
          {wrong(f.id) && <div className="bad">{l(wrong(f.id)!.say)}</div>}
        </div>
      ))}
      {lines.map((id) => {
        const def = form.lines.find((x) => x.id === id)
        if (!def) return null
        const rows = draft.lines[id] ?? []
        const put = (next: Values[]) => onChange({ ...draft, lines: { ...draft.lines, [id]: next } })
        return (
          <fieldset key={id} className="wide">
            <legend>{l(def.label)}</legend>
            {rows.map((row, i) => (
              <div className="fill row" key={i}>
                {def.fields.filter((f) => !f.computed).map((f) => (
                  <div key={f.id}>
                    {f.type !== 'bool' && <label>{l(f.label)}</label>}
                    <Entry form={form.key} field={{ ...f, line: id }} value={row[f.id]} onChange={(v) => put(rows.map((r, k) => (k === i ? { ...r, [f.id]: v } : r)))} />
                  </div>
                ))}
                <Button type="text" onClick={() => put(rows.filter((_, k) => k !== i))}>{t('removeRow')}</Button>
              </div>
            ))}
            <Button onClick={() => put([...rows, {}])}>{t('addRow')}</Button>
          </fieldset>
        )
      })}
    </div>
  )
}

export function sendable(form: Form, draft: Draft, fields: Field[], lines: string[]) {
  const values: Values = {}
  for (const f of fields) if (draft.values[f.id] !== undefined && draft.values[f.id] !== '') values[f.id] = flat(draft.values[f.id])
  const out: Rows = {}
  for (const id of lines) if (draft.lines[id]) {
    const def = form.lines.find((x) => x.id === id)
    out[id] = draft.lines[id].map((r) => Object.fromEntries(Object.entries(r).filter(([k, v]) => v !== undefined && v !== '' && (k === 'id' || def?.fields.some((f) => f.id === k && !f.computed))).map(([k, v]) => [k, flat(v)])))
  }
  return { values, lines: out }
}

/** One action: what it needs, the signature it binds, and the refusal if there is one. The dialog stays open until it is done. */
export function Act({ form, rec, action, onClose, onDone }: { form: Form; rec: Rec; action: ActionOpen; onClose: () => void; onDone: (d: Done) => void }) {
  const { t, l } = useText()
  const asked = useMemo(() => action.fill.map((x) => x.field), [action])
  const fields = form.fields.filter((f) => asked.includes(f.id) && !f.computed)
  const lines = form.lines.map((x) => x.id).filter((id) => asked.includes(id))
  const start: Draft = { values: Object.fromEntries(fields.map((f) => [f.id, rec.values[f.id]])), lines: Object.fromEntries(lines.map((id) => [id, (rec.lines[id] ?? []).map((x) => ({ id: x.id, ...x.values }))])) }
  const [draft, setDraft, drop] = useDraft(`draft:${rec.id}:${action.id}`, start)
  const [reason, setReason] = useState('')
  const [comment, setComment] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const [key] = useState(newKey)
  const send = async (refuse: boolean) => {
    setBusy(true)
    setProblem(null)
    try {
      const body = refuse ? { refuse, comment } : { ...sendable(form, draft, fields, lines), reason: reason || undefined, comment: comment || undefined }
      const done = await call<Done>('POST', `${recordPath(rec.form, rec.id)}/${action.id}`, { body, key: problem ? newKey() : key })
      drop()
      refresh(rec.form, rec.id)
      onDone(done)
    } catch (e) {
      setProblem(problemOf(e))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Modal open title={`${l(action.label)} ${rec.number ?? ''}`} onCancel={onClose} mask={{ closable: false }} width={760} footer={[
      <Button key="c" onClick={onClose}>{t('cancel')}</Button>,
      action.sign ? <Button key="d" danger onClick={() => send(true)} loading={busy}>{t('decline')}</Button> : null,
      <Button key="s" type="primary" autoFocus={!fields.length} loading={busy} onClick={() => send(false)}>{action.sign ? t('agree') : l(action.label)}</Button>,
    ]}>
      {action.sign && (
        <div className="sign">
          {action.sign.amount && <><div className="amount">¥{money(action.sign.amount)}</div><div className="hint">{action.sign.amount_cn}</div></>}
          {l(action.sign.statement) && <blockquote>“{l(action.sign.statement)}”</blockquote>}
          {action.sign.why && <p>{l(action.sign.why.text)} <ClauseChip id={action.sign.why.clause} /></p>}
        </div>
      )}
      {problem && <Refused problem={problem} />}
      <Fill form={form} fields={fields} lines={lines} draft={draft} onChange={setDraft} problem={problem} required={(id) => action.fill.find((x) => x.field === id)?.required ?? false} />
      {!!action.reason && <><label>{t('reason')}</label><Input.TextArea aria-label={t('reason')} value={reason} onChange={(e) => setReason(e.target.value)} /></>}
      {action.sign && <><label>{t('comment')} <small>{t('optional')}</small></label><Input.TextArea aria-label={t('comment')} value={comment} onChange={(e) => setComment(e.target.value)} /></>}
      {!!action.missing?.length && !problem && <Alert type="info" title={`${t('need')} ${action.missing.map((m) => l(m.say)).join('；')}`} />}
    </Modal>
  )
}
