// One action: what it needs, what a signature binds, the refusal if there is one. It stays until it is done.
import { Button, Input } from 'antd'
import { SafetyOutlined } from '@ant-design/icons'
import { useEffect, useMemo, useRef, useState } from 'react'
import { composing, useKeys } from '../app/keys'
import { usePhone } from '../app/device'
import { useWords } from '../app/i18n'
import { useUploading } from '../app/uploads'
import { capitals, money } from '../app/money'
import { clockTime } from '../app/time'
import { useMe } from '../app/session'
import { call, newKey, problemOf } from '../api/client'
import { recordPath, refresh } from '../api/query'
import type { ActionOpen, Done, Form, LineDef, Problem, Rec } from '../api/types'
import { FieldView, missing } from '../fields'
import { plain } from '../fields/plain'
import { ClauseChip } from './clause'
import { Deadline } from './deadline'
import { blank, changed, draftKey, useDraft, type Change } from './draft'
import { Fill, focusField, sendable, type Ask } from './fill'
import { Refused } from './refusal'
import { Stamp } from './signature'
import { Dialog } from './dialog'

const AMONG_OPINIONS = 6
const ZERO = /^0(\.0+)?$/

function asked(form: Form, action: ActionOpen): { asks: Ask[]; lines: LineDef[] } {
  const asks: Ask[] = []
  const lines: LineDef[] = []
  for (const x of action.fill ?? []) {
    const field = form.fields.find((f) => f.id === x.field)
    if (field && !field.computed) asks.push({ field, required: x.required, clause: x.clause, label: x.label })
    const line = form.lines.find((l) => l.id === x.field)
    if (line) lines.push(line)
  }
  for (const l of action.lines ?? []) {
    const line = typeof l === 'string' ? form.lines.find((x) => x.id === l) : (form.lines.find((x) => x.id === l.id) ?? l)
    if (line && !lines.some((x) => x.id === line.id)) lines.push(line)
  }
  return { asks, lines }
}

interface Props {
  form: Form
  rec: Rec
  action: ActionOpen
  onDone: (d: Done) => void
  onCancel?: () => void
  inline?: boolean
  dialog?: boolean
}

export function ActionForm({ form, rec, action, onDone, onCancel, inline, dialog }: Props) {
  const { t, w, lang } = useWords()
  const me = useMe()
  const phone = usePhone()
  const { asks, lines } = useMemo(() => asked(form, action), [form, action])
  const start = () =>
    blank(
      Object.fromEntries(asks.map((a) => [a.field.id, rec.values[a.field.id]])),
      Object.fromEntries(lines.map((l) => [l.id, (rec.lines?.[l.id] ?? []).map((x) => ({ ...(x.id ? { id: x.id } : {}), ...x.values }))])),
    )
  const { draft, change, drop, restored } = useDraft(draftKey(me.person.account, rec.form, rec.id, action.id), start)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState<'do' | 'refuse' | null>(null)
  const uploading = useUploading()
  const key = useRef({ key: newKey(), of: '' })
  const box = useRef<HTMLDivElement>(null)
  const prefix = `act-${action.id}`

  // a record changed by another renews what one has not touched
  useEffect(() => {
    if (!draft.at) drop(start())
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [rec.etag])

  const touch = (c: Change) => change((d) => ({ ...changed(d, c), etag: d.etag ?? rec.etag }))
  const send = async (refuse: boolean, etag: string | null = draft.etag ?? rec.etag) => {
    if (busy || uploading) return
    if (refuse && !draft.comment?.trim()) {
      setProblem({ kind: 'invalid', status: 400, title: t('sign.comment_needed') })
      document.getElementById(`${prefix}-comment`)?.focus()
      return
    }
    setBusy(refuse ? 'refuse' : 'do')
    setProblem(null)
    const waive = Object.entries(draft.waive ?? {}).filter(([, r]) => r.trim()).map(([clause, reason]) => ({ clause, reason }))
    const body = refuse
      ? { refuse: true, comment: draft.comment }
      : { ...sendable(asks, lines, draft, rec.values), reason: draft.reason || undefined, comment: draft.comment || undefined, waive: waive.length ? waive : undefined }
    const of = JSON.stringify(body)
    if (key.current.of !== of) key.current = { key: newKey(), of }
    try {
      const options = { body, key: key.current.key, etag: etag ?? undefined }
      const done =
        action.id === 'edit'
          ? { record: await call<Rec>('PATCH', recordPath(rec.form, rec.id), { ...options, body: sendable(asks, lines, draft, rec.values) }), done: { action: 'edit', at: '', text: '' } }
          : await call<Done>('POST', `${recordPath(rec.form, rec.id)}/${action.id}`, options)
      drop()
      refresh(rec.form, rec.id)
      onDone(done)
    } catch (e) {
      const p = problemOf(e)
      key.current = p.kind === 'offline' ? key.current : { key: newKey(), of: '' }
      if (p.kind === 'conflict' && etag) {
        // changed meanwhile, but not in what is asked here: go on with the newer version
        const mine = new Set([...asks.map((a) => a.field.id), ...lines.map((l) => l.id)])
        const touched = p.current?.changes?.some((c) => mine.has(c.field))
        if (!touched && p.current?.etag) {
          setBusy(null)
          refresh(rec.form, rec.id)
          return void send(refuse, p.current.etag)
        }
      }
      setProblem(p)
      setBusy(null)
      requestAnimationFrame(() => {
        const alert = box.current?.querySelector<HTMLElement>('[role=alert]')
        alert?.setAttribute('tabindex', '-1')
        alert?.focus({ preventScroll: true })
        alert?.scrollIntoView({ block: 'nearest' })
      })
    }
  }
  useKeys({ 'mod+Enter': () => void send(false) }, dialog || inline)

  const s = action.sign
  const amount = s?.amount && !ZERO.test(s.amount) ? s.amount : null
  const label = w(action.label)
  const open = (action.missing ?? []).filter((m) => !m.field || missing(draft.values[m.field]))
  // what is put before who signs: what was filled on the way to here, and what was said
  const laid = s ? form.fields.filter((f) => f.type !== 'note' && !['file', 'files'].includes(f.type) && !missing(rec.values[f.id]) && !ZERO.test(String(rec.values[f.id])) && !asks.some((a) => a.field.id === f.id)
    && form.actions.some((a) => a.to?.includes(rec.state ?? '') && a.fill?.some((x) => x.field === f.id))).slice(0, AMONG_OPINIONS) : []
  const notes = s ? form.fields.filter((f) => f.type === 'note' && !missing(rec.values[f.id]) && !asks.some((a) => a.field.id === f.id)).slice(-AMONG_OPINIONS) : []

  const buttons = (
    <div className={`act-buttons ${dialog && phone ? 'sticky' : ''}`}>
      {draft.at > 0 && <span className="soft small saved">{t('draft.saved', { at: clockTime(draft.at) })}</span>}
      {onCancel && <Button onClick={onCancel}>{draft.at > 0 ? t('draft.keep') : t('cancel')}</Button>}
      {s && <Button danger loading={busy === 'refuse'} onClick={() => void send(true)}>{t('sign.decline')}</Button>}
      <Button data-do type={inline ? 'default' : 'primary'} danger={action.style === 'danger'} icon={s ? <SafetyOutlined /> : undefined} loading={busy === 'do'} disabled={uploading} autoFocus={dialog && !asks.length && !lines.length} onClick={() => void send(false)}>
        {s ? t('sign.agree') : label}
      </Button>
    </div>
  )

  return (
    <div ref={box} className="act" onKeyDown={(e) => { if (e.key === 'Enter' && composing(e)) e.stopPropagation() }}>
      {s && (
        <div className="sign-head">
          {rec.title && <p className="soft">{w({ zh: rec.title, en: rec.title_en })}</p>}
          {amount && (
            <>
              <div className="amount">{money(amount)}</div>
              {lang === 'zh' && <div className="soft">{s.amount_cn || capitals(amount)}</div>}
            </>
          )}
          <WorstClock rec={rec} />
          <dl className="opinions">
            {[...laid, ...notes].map((f) => (
              <div key={f.id}><dt>{w(f.label)}</dt><dd><FieldView field={f} value={rec.values[f.id]} /></dd></div>
            ))}
            {(rec.signatures ?? []).filter((x) => x.state === 'signed').map((x, i) => (
              <div key={`s${i}`}><dt>{x.by?.post}</dt><dd>{x.comment || t('sign.agreed')} {t('paren', { text: [x.by?.name, x.at ? plain(x.at, lang) : ''].filter(Boolean).join(' ') })}</dd></div>
            ))}
            {s.why && <div><dt>{t('sign.why_me')}</dt><dd>{w(s.why.text)} <ClauseChip id={s.why.clause} /></dd></div>}
          </dl>
        </div>
      )}
      {restored && draft.at > 0 && !problem && (
        <p className="notice">
          {t('draft.restored', { at: clockTime(draft.at) })} <button type="button" className="link" onClick={() => drop(start())}>{t('draft.discard')}</button>
        </p>
      )}
      {problem &&
        (problem.kind === 'conflict' && problem.current?.changes?.length ? (
          <div className="refusal conflict" role="alert">
            <h3>{t('conflict.title')}</h3>
            <ul className="say">
              {problem.current.changes.map((c, i) => (
                <li key={i}>
                  {t('conflict.line', { by: w(c.by), at: plain(c.at, lang), field: w(c.label) || w(form.fields.find((f) => f.id === c.field)?.label) || c.field, old: plain(c.old, lang), new: plain(c.new, lang) })}
                </li>
              ))}
            </ul>
            <div className="row-actions">
              <Button onClick={() => { const v = { ...draft.values }; problem.current!.changes.forEach((c) => (v[c.field] = c.new)); change({ values: v, etag: problem.current!.etag }); setProblem(null); refresh(rec.form, rec.id) }}>{t('conflict.theirs')}</Button>
              <Button onClick={() => { change({ etag: problem.current!.etag }); setProblem(null); void send(false, problem.current!.etag) }}>{t('conflict.mine')}</Button>
            </div>
          </div>
        ) : (
          <Refused problem={problem} kept={draft.at > 0} onField={(f) => focusField(prefix, f)} />
        ))}
      {(asks.length > 0 || lines.length > 0) && <Fill form={rec.form} record={rec.id} prefix={prefix} asks={asks} lines={lines} draft={draft} onChange={touch} problem={problem} autoFocus={dialog} foldOptional={!open.some((m) => !m.field)} sections={form.sections} />}
      {!!action.reason && (
        <div className="item">
          <label htmlFor={`${prefix}-reason`}>{t('reason')} <small className="soft">{t('reason_min', { count: action.reason })}</small></label>
          <Input.TextArea id={`${prefix}-reason`} autoFocus={dialog && !asks.length} autoSize={{ minRows: 2 }} value={draft.reason ?? ''} onChange={(e) => touch({ reason: e.target.value })} />
        </div>
      )}
      {(action.waivable ?? []).filter((x) => problem?.items?.some((i) => i.clause === x.clause && i.waive) || draft.waive?.[x.clause] !== undefined).map((x) => (
        <div className="item" key={x.clause}>
          <label htmlFor={`${prefix}-waive-${x.clause}`}>{t('waive.label')} <ClauseChip id={x.clause} /> <small className="soft">{w(x.say)}</small></label>
          <Input.TextArea id={`${prefix}-waive-${x.clause}`} autoSize={{ minRows: 2 }} placeholder={t('waive.reason')} value={draft.waive?.[x.clause] ?? ''} onChange={(e) => touch({ waive: { ...draft.waive, [x.clause]: e.target.value } })} />
        </div>
      ))}
      {s && (
        <>
          <div className="item">
            <label htmlFor={`${prefix}-comment`}>{t('sign.comment')} <small className="soft">{t('sign.comment_rule')}</small></label>
            <Input.TextArea id={`${prefix}-comment`} autoSize={{ minRows: 2, maxRows: 6 }} value={draft.comment ?? ''} onChange={(e) => touch({ comment: e.target.value })} />
            <div className="phrases">
              {[1, 2, 3].map((n) => (
                <button key={n} type="button" onClick={() => touch({ comment: [draft.comment, t(`sign.phrase${n}`)].filter(Boolean).join(lang === 'zh' ? '，' : ', ') })}>{t(`sign.phrase${n}`)}</button>
              ))}
            </div>
          </div>
          <div className="binding">
            <div>
              <div className="soft small">{t('sign.binds')}</div>
              <p>{lang === 'zh' ? '“' : '“'}{w(s.statement)}”</p>
              <div className="soft small">{t('sign.frozen')}</div>
            </div>
            <Stamp />
          </div>
        </>
      )}
      {!s && (action.confirm || action.style === 'danger') && !action.reason && <p className="notice amber">{t('confirm.final', { what: label })}</p>}
      {!problem && open.length > 0 && (
        <p className="soft small">{t('act.missing', { what: [...new Set(open.map((m) => w(m.say)))].slice(0, 4).join(lang === 'zh' ? '；' : '; ') })}</p>
      )}
      {action.legal && <p className="notice amber"><b>{t('penal.legal')}</b> {w(action.legal)}</p>}
      {buttons}
    </div>
  )
}

function WorstClock({ rec }: { rec: Rec }) {
  const c = worst(rec)
  return c ? <Deadline due={c.due} from={c.from} state={c.state} warned={c.warned} working={c.working} exact="beside" /> : null
}
export const worst = (rec: Rec) =>
  (rec.clocks ?? []).filter((c) => ['open', 'late', 'paused', 'warning'].includes(c.state) && c.due).sort((a, b) => Number(a.state === 'paused') - Number(b.state === 'paused') || String(a.due).localeCompare(String(b.due)))[0]

/** The dialog: on a phone the whole screen. A click outside never closes it; a refusal never does. */
export function ActionDialog({ form, rec, action, onClose, onDone }: { form: Form; rec: Rec; action: ActionOpen; onClose: () => void; onDone: (d: Done) => void }) {
  const { w } = useWords()
  const phone = usePhone()
  return (
    <Dialog open className={phone ? 'full' : ''} title={`${w(action.label)} ${w(form.label)} ${rec.number ?? ''}`.trim()} onCancel={onClose} mask={{ closable: false }} width={phone ? '100%' : action.sign ? 720 : 820} footer={null} destroyOnHidden>
      <ActionForm form={form} rec={rec} action={action} dialog onCancel={onClose} onDone={onDone} />
    </Dialog>
  )
}
