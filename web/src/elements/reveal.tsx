// Looking at a masked value: a purpose is asked, it shows for a while, and a trace is left. Said before.
import { Button, Input } from 'antd'
import { useEffect, useState } from 'react'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { parse } from '../app/time'
import { phone } from '../app/money'
import { post, problemOf } from '../api/client'
import { recordPath } from '../api/query'
import type { Field, Problem } from '../api/types'
import { Chips } from '../fields/choice/chips'
import { plain } from '../fields/plain'
import { Side } from './parts'
import { Refused } from './refusal'

export function Reveal({ record, field, onClose }: { record: { form: string; id: string }; field: Field; onClose: () => void }) {
  const { t, w, lang } = useWords()
  const [choice, setChoice] = useState<string[]>([])
  const [text, setText] = useState('')
  const [ref, setRef] = useState('')
  const [asksRef, setAsksRef] = useState(false) // the class wants the record it is needed for
  const [seen, setSeen] = useState<{ value: unknown; until: string } | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const now = useNow(true)
  const [started] = useState(() => Date.now())
  const until = parse(seen?.until)
  const over = !!seen && ((until !== null && now > until) || Date.now() - started > 5 * 60_000)
  useEffect(() => {
    if (over) onClose()
  }, [over, onClose])
  useEffect(() => { // another was revealed, perhaps in another window: this one is masked again
    const mask = (e: Event) => {
      try {
        if (JSON.parse((e as CustomEvent).detail).record === record.id) onClose()
      } catch {
        onClose()
      }
    }
    window.addEventListener('mask', mask)
    return () => window.removeEventListener('mask', mask)
  }, [record.id, onClose])
  const purposes = ['call', 'check', 'delivery', 'complaint'].map((x) => ({ id: x, label: t(`reveal.${x}`) }))
  const purpose = text.trim() || purposes.find((p) => p.id === choice[0])?.label || ''
  const look = async () => {
    setBusy(true)
    setProblem(null)
    try {
      setSeen(await post(`${recordPath(record.form, record.id)}/reveal`, { field: field.id, purpose, ref: ref.trim() || undefined }))
    } catch (e) {
      const p = problemOf(e)
      setProblem(p)
      if (p.items?.some((x) => x.field === 'ref')) setAsksRef(true)
    }
    setBusy(false)
  }
  return (
    <Side title={`${t('reveal.look')} ${w(field.label)}`} onClose={onClose}>
      {seen ? (
        <>
          <p className="amount">{field.type === 'phone' ? phone(plain(seen.value, lang)) : plain(seen.value, lang)}</p>
          <p className="soft">{t('reveal.traced')}</p>
        </>
      ) : (
        <form onSubmit={(e) => { e.preventDefault(); void look() }}>
          <p>{t('reveal.before')}</p>
          <p id="purpose-label"><b>{t('reveal.purpose')}</b></p>
          <Chips id="purpose" options={purposes} value={choice} onChange={setChoice} />
          <Input style={{ marginTop: 12 }} aria-label={t('reveal.other')} placeholder={t('reveal.other')} value={text} onChange={(e) => setText(e.target.value)} />
          {asksRef && <Input style={{ marginTop: 12 }} aria-label={t('reveal.ref')} placeholder={t('reveal.ref')} value={ref} onChange={(e) => setRef(e.target.value)} />}
          {problem && <Refused problem={problem} />}
          <div className="row-actions"><Button type="primary" htmlType="submit" loading={busy} autoFocus>{t('reveal.show')}</Button></div>
        </form>
      )}
    </Side>
  )
}
