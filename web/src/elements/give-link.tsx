// For whoever hands it out: a link by which somebody without an account does one thing. Its secret is seen here once.
import { Button, Input } from 'antd'
import { useState } from 'react'
import { post, problemOf } from '../api/client'
import type { Problem, Text } from '../api/types'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { absolute, parse } from '../app/time'
import { Card } from './parts'
import { Refused } from './refusal'

interface Made { token: string; until: string }

export function GiveLink({ form, id, of }: { form: string; id: string; of: { action: string; label: Text } }) {
  const { t, w, lang } = useWords()
  const now = useNow()
  const [made, setMade] = useState<Made | null>(null)
  const [copied, setCopied] = useState(false)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const make = async () => {
    setBusy(true)
    setProblem(null)
    setCopied(false)
    try {
      setMade((await post<Made[]>(`/api/form/${form}/link/${of.action}`, { records: [id] }))[0])
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy(false)
  }
  const link = made ? `${location.origin}/answer#${made.token}` : ''
  const at = parse(made?.until)
  return (
    <Card title={t('link.card', { what: w(of.label) })}>
      <p className="soft small">{t('link.text')}</p>
      {problem && <Refused problem={problem} />}
      {made && (
        <div className="notice" role="status">
          <label htmlFor={`link-${of.action}`}>{t('link.made', { at: at === null ? '' : absolute(at, now, lang, true) })}</label>
          <Input.TextArea id={`link-${of.action}`} readOnly autoSize value={link} onFocus={(e) => e.target.select()} />
          <Button size="small" onClick={() => void navigator.clipboard?.writeText(link).then(() => setCopied(true))}>{copied ? t('link.copied') : t('link.copy')}</Button>
        </div>
      )}
      <Button loading={busy} onClick={() => void make()}>{t(made ? 'link.again' : 'link.make')}</Button>
    </Card>
  )
}
