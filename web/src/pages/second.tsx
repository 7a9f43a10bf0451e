// The password was right; now the second factor.
import { Button, Input } from 'antd'
import { useState } from 'react'
import { post, problemOf } from '../api/client'
import type { Me, Problem } from '../api/types'
import { useWords } from '../app/i18n'
import { askPasskey, passkeysHere } from '../app/passkey'
import { Refused } from '../elements/refusal'

export function Second({ owes, host, onIn, onBack }: { owes: string[]; host?: string; onIn: (me: Me) => void; onBack: () => void }) {
  const { t } = useWords()
  const codes = owes.includes('totp')
  const [lost, setLost] = useState(!codes)
  const [code, setCode] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState('')
  const send = async (how: 'code' | 'passkey') => {
    if (how === 'code' && !code.trim()) {
      document.getElementById('second-code')?.focus()
      return
    }
    setBusy(how)
    setProblem(null)
    try {
      onIn(await post<Me>('/api/session/second', how === 'code' ? { code } : await askPasskey(), { quiet: true }))
    } catch (e) {
      const p = problemOf(e)
      setProblem(p)
      setBusy('')
      setCode('')
      document.getElementById('second-code')?.focus()
    }
  }
  const key = owes.includes('passkey') && passkeysHere(host)
  const typed = codes || owes.includes('recovery')
  return (
    <form className="signin-form" onSubmit={(e) => { e.preventDefault(); void send('code') }}>
      <h2>{t('second.title')}</h2>
      {problem && <Refused problem={problem} />}
      {key && <Button type={codes ? 'default' : 'primary'} block loading={busy === 'passkey'} onClick={() => void send('passkey')}>{t('signin.passkey')}</Button>}
      {typed && (
        <>
          <div className="item">
            <label htmlFor="second-code">{lost ? t('second.recovery') : t('second.code')}</label>
            <Input key={String(lost)} id="second-code" autoFocus autoComplete={lost ? 'off' : 'one-time-code'} inputMode={lost ? 'text' : 'numeric'} autoCapitalize="characters" spellCheck={false} value={code} onChange={(e) => setCode(e.target.value)} aria-describedby="second-hint" />
            <p className="hint" id="second-hint">{lost ? t('second.recovery_hint') : t('second.code_hint')}</p>
          </div>
          <Button type="primary" htmlType="submit" block loading={busy === 'code'}>{t('signin.do')}</Button>
          {codes && owes.includes('recovery') && <button type="button" className="link" onClick={() => { setLost(!lost); setCode('') }}>{lost ? t('second.use_code') : t('second.use_recovery')}</button>}
        </>
      )}
      {!key && !typed && <p className="notice amber">{t('second.elsewhere', { host: host ?? '' })}</p>}
      <p className="soft small">{t('second.lost')} <button type="button" className="link" onClick={onBack}>{t('second.back')}</button></p>
    </form>
  )
}
