import { Button, Input } from 'antd'
import { useState } from 'react'
import { call, problemOf } from '../api/client'
import type { Problem } from '../api/types'
import { useWords } from '../app/i18n'
import { useSession } from '../app/session'
import { Card } from '../elements/parts'
import { Refused } from '../elements/refusal'

/** The rule is said before, not after. */
export function ChangePassword({ must }: { must?: boolean }) {
  const { t } = useWords()
  const { reload } = useSession()
  const [old, setOld] = useState('')
  const [next, setNext] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const [done, setDone] = useState(false)
  const send = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await call('POST', '/api/password', { body: { old, new: next } })
      setDone(true)
      setOld('')
      setNext('')
      if (must) await reload()
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy(false)
  }
  return (
    <Card title={t('password.title')}>
      {must && <p className="notice amber">{t('password.must')}</p>}
      <p className="soft">{t('password.rule')}</p>
      {problem && <Refused problem={problem} />}
      {done && <p role="status" className="notice">{t('password.done')}</p>}
      <form onSubmit={(e) => { e.preventDefault(); void send() }}>
        <div className="item"><label htmlFor="old">{t('password.old')}</label><Input.Password id="old" autoComplete="current-password" value={old} onChange={(e) => setOld(e.target.value)} /></div>
        <div className="item"><label htmlFor="next">{t('password.new')}</label><Input.Password id="next" autoComplete="new-password" value={next} onChange={(e) => setNext(e.target.value)} /></div>
        <Button type="primary" htmlType="submit" loading={busy}>{t('password.do')}</Button>
      </form>
    </Card>
  )
}
