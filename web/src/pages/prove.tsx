// Before what reaches far: is it really you? Over the page; the act goes on by itself, nothing typed is lost. A decision says which
// it is, and the proof counts for that one alone.
import { Button, Input } from 'antd'
import { useState } from 'react'
import { post, problemOf, renewed } from '../api/client'
import { useGet } from '../api/query'
import type { Company, Problem } from '../api/types'
import { useWords } from '../app/i18n'
import { askPasskey, passkeysHere } from '../app/passkey'
import { useSession } from '../app/session'
import { Refused } from '../elements/refusal'
import { Dialog } from '../elements/dialog'

export default function Prove() {
  const { t, w } = useWords()
  const { settleProof, proving } = useSession()
  const one = proving?.prove
  const factors = useGet<{ factors: { kind: string }[] }>(one ? '/api/factor' : null)
  const coded = !!one && !!factors.data?.factors.some((f) => f.kind === 'totp')
  const [code, setCode] = useState('')
  const company = useGet<Company>('/api/company')
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState('')
  const send = async (how: 'password' | 'passkey') => {
    if (how === 'password' && !password) {
      document.getElementById('prove-password')?.focus()
      return
    }
    setBusy(how)
    setProblem(null)
    try {
      const body = { for: one?.for, ...(how === 'password' ? { password, code: coded ? code : undefined } : await askPasskey(one?.for)) }
      renewed((await post<{ csrf: string }>('/api/session/fresh', body, { quiet: true })).csrf)
      settleProof(true)
    } catch (e) {
      setProblem(problemOf(e))
      setBusy('')
      document.getElementById('prove-password')?.focus()
    }
  }
  return (
    <Dialog open title={t('prove.title')} footer={null} width={420} onCancel={() => settleProof(false)} mask={{ closable: false }} zIndex={2900}>
      {one?.changed && <p className="notice amber" role="alert">{proving?.title}</p>}
      {one && <p><b>{w(one.what)}</b></p>}
      <p>{t(one ? 'prove.one' : 'prove.text')}</p>
      {problem && <Refused problem={problem} />}
      <form className="signin-form" onSubmit={(e) => { e.preventDefault(); void send('password') }}>
        <div className="item">
          <label htmlFor="prove-password">{t('signin.password')}</label>
          <Input.Password id="prove-password" autoFocus autoComplete="current-password" value={password} onChange={(e) => setPassword(e.target.value)} />
        </div>
        {coded && (
          <div className="item">
            <label htmlFor="prove-code">{t('second.code')} <small className="soft">{t('second.code_hint')}</small></label>
            <Input id="prove-code" inputMode="numeric" autoComplete="one-time-code" value={code} onChange={(e) => setCode(e.target.value)} />
          </div>
        )}
        <Button type="primary" htmlType="submit" block loading={busy === 'password'}>{t('prove.do')}</Button>
        {passkeysHere(company.data?.passkey_host) && <Button block loading={busy === 'passkey'} onClick={() => void send('passkey')}>{t('signin.passkey')}</Button>}
      </form>
    </Dialog>
  )
}
