// A new password by the link an administrator gave: chosen by its owner, who alone knows it.
import { Button, Input } from 'antd'
import { useState } from 'react'
import { post, problemOf } from '../api/client'
import type { Problem } from '../api/types'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { Refused } from '../elements/refusal'

export function Reset() {
  const { t } = useWords()
  const [given] = useState(() => location.hash.slice(1))
  const [token, setToken] = useState(given)
  const [next, setNext] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const [done, setDone] = useState(false)
  useTitle(t('reset.title'))
  const send = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await post('/api/reset', { token, new: next }, { quiet: true })
      setDone(true)
      history.replaceState(null, '', '/reset')
    } catch (e) {
      setProblem(problemOf(e))
      document.getElementById('reset-new')?.focus()
    }
    setBusy(false)
  }
  return (
    <main className="signin" id="main">
      <section className="card pad">
        <h1>{t('reset.title')}</h1>
        {done ? (
          <p role="status">{t('reset.done')} <a href="/">{t('signin.do')}</a></p>
        ) : (
          <form className="signin-form" onSubmit={(e) => { e.preventDefault(); void send() }}>
            <p className="soft">{t('reset.text')}</p>
            {problem && <Refused problem={problem} />}
            {!given && <div className="item"><label htmlFor="reset-token">{t('reset.token')}</label><Input id="reset-token" autoComplete="off" spellCheck={false} value={token} onChange={(e) => setToken(e.target.value)} /></div>}
            <div className="item">
              <label htmlFor="reset-new">{t('password.new')}</label>
              <Input.Password id="reset-new" autoFocus autoComplete="new-password" aria-describedby="reset-rule" value={next} onChange={(e) => setNext(e.target.value)} />
              <p className="hint" id="reset-rule">{t('password.rule')}</p>
            </div>
            <Button type="primary" htmlType="submit" block loading={busy}>{t('reset.do')}</Button>
          </form>
        )}
      </section>
    </main>
  )
}
