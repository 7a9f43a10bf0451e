import { Button, Input } from 'antd'
import { useEffect, useState } from 'react'
import { accept, call, post, problemOf, renewed } from '../api/client'
import { queries, useGet } from '../api/query'
import type { Company, Me, Problem } from '../api/types'
import { useTitle } from '../app/clock'
import { useLarge } from '../app/device'
import { setLanguage, useWords } from '../app/i18n'
import { askPasskey, passkeysHere } from '../app/passkey'
import { useSession } from '../app/session'
import { setZone } from '../app/time'
import { Refused } from '../elements/refusal'
import { FirstRun } from './first-run'
import { Second } from './second'

/** What the way back from the company's sign-on may say. */
const SAID = ['unlinked', 'refused', 'away']

interface Owing { owes?: string[]; csrf: string }

const enter = (account: string, password: string) => call<Me & Owing>('POST', '/api/session', { body: { account, password }, quiet: true })

export function SignInCard({ fixed, onIn, wrong }: { fixed?: string; onIn: (me: Me) => void; wrong?: Problem | null }) {
  const { t } = useWords()
  const company = useGet<Company>('/api/company')
  const came = new URLSearchParams(location.search).get('sso')
  const [owes, setOwes] = useState<string[] | null>(null)
  const [account, setAccount] = useState(fixed ?? '')
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<Problem | null>(wrong ?? null)
  const [busy, setBusy] = useState('')
  const go = async () => {
    if (!account.trim() || !password) {
      setProblem({ kind: 'invalid', status: 400, title: t('signin.both') })
      document.getElementById(account.trim() ? 'password' : 'account')?.focus()
      return
    }
    setBusy('password')
    setProblem(null)
    try {
      step(await enter(account.trim(), password))
    } catch (e) {
      setProblem(problemOf(e))
      setBusy('')
      document.getElementById('password')?.focus()
    }
  }
  const step = (me: Me & Owing) => {
    if (!me.owes) return onIn(me)
    renewed(me.csrf)
    setOwes(me.owes)
  }
  const byKey = async () => {
    setBusy('passkey')
    setProblem(null)
    try {
      step(await post<Me & Owing>('/api/session/passkey', await askPasskey(), { quiet: true }))
    } catch (e) {
      setProblem(problemOf(e))
      setBusy('')
    }
  }
  const bySSO = async () => {
    setBusy('sso')
    setProblem(null)
    try {
      const back = came ? location.pathname : location.pathname + location.search
      location.href = (await post<{ url: string }>('/api/oidc', { return: back }, { quiet: true })).url
    } catch (e) {
      setProblem(problemOf(e))
      setBusy('')
    }
  }
  // Back from the company's sign-on with the second factor still owed.
  useEffect(() => {
    if (came === 'second') call<Owing>('GET', '/api/session/second', { quiet: true }).then((o) => { renewed(o.csrf); setOwes(o.owes ?? []) }, () => {})
  }, [came])
  if (owes) return <Second owes={owes} host={company.data?.passkey_host} onIn={onIn} onBack={() => { setOwes(null); setPassword(''); setBusy('') }} />
  return (
    <form className="signin-form" onSubmit={(e) => { e.preventDefault(); void go() }}>
      {came && !problem && SAID.includes(came) && <p className="notice amber" role="alert">{t(`sso.${came}`)}</p>}
      {problem && <Refused problem={problem} />}
      <div className="item">
        <label htmlFor="account">{t('signin.account')}</label>
        <Input id="account" autoFocus={!fixed} readOnly={!!fixed} autoComplete="username" autoCapitalize="none" spellCheck={false} value={account} onChange={(e) => setAccount(e.target.value)} />
      </div>
      <div className="item">
        <label htmlFor="password">{t('signin.password')}</label>
        <Input.Password id="password" autoFocus={!!fixed} autoComplete="current-password" value={password} onChange={(e) => setPassword(e.target.value)} />
      </div>
      <Button type="primary" htmlType="submit" block loading={busy === 'password'}>{t('signin.do')}</Button>
      {passkeysHere(company.data?.passkey_host) && <Button block loading={busy === 'passkey'} onClick={() => void byKey()}>{t('signin.passkey')}</Button>}
      {company.data?.sso && !fixed && <Button block loading={busy === 'sso'} onClick={() => void bySSO()}>{t('signin.sso', { name: company.data.sso })}</Button>}
      {!company.data?.demo && <p className="soft small">{t('signin.forgot')}</p>}
    </form>
  )
}

export function SignIn() {
  const { t, lang } = useWords()
  const { setMe, problem } = useSession()
  const company = useGet<Company>('/api/company')
  useEffect(() => setZone(company.data?.zone), [company.data?.zone])
  const [large, setLarge] = useLarge()
  const [busy, setBusy] = useState('')
  const [wrong, setWrong] = useState<Problem | null>(null)
  useTitle(`${t('signin.do')} ${company.data?.name ?? t('brand')}`)
  const done = (me: Me) => {
    queries.clear()
    setMe(accept(me))
    if (new URLSearchParams(location.search).has('sso')) history.replaceState(null, '', location.pathname)
  }
  const sample = async (account: string) => {
    setBusy(account)
    setWrong(null)
    try {
      done(await enter(account, company.data?.password ?? ''))
    } catch (e) {
      setWrong(problemOf(e))
      setBusy('')
    }
  }
  const accounts = company.data?.accounts ?? []
  const size = (house: string) => accounts.filter((a) => a.house === house).length
  const houses = [...new Set(accounts.map((a) => a.house))].sort((a, b) => size(b) - size(a)) // the largest company first
  return (
    <main className="signin" id="main">
      <div className="signin-top">
        <button type="button" className="link" onClick={() => setLanguage(lang === 'zh' ? 'en' : 'zh')}>{lang === 'zh' ? 'English' : '中文'}</button>
        <button type="button" className="link" aria-pressed={large} onClick={() => setLarge(!large)}>{large ? t('large.off') : t('large.on')}</button>
      </div>
      {company.data?.first_run ? <FirstRun enter={async (account, password) => done(await enter(account, password))} /> : (
        <section className="card pad">
          <div className="signin-brand"><span className="seal big" aria-hidden="true">柜</span><h1>{company.data?.name || t('brand')}</h1></div>
          {problem && <Refused problem={problem} />}
          <SignInCard onIn={done} />
        </section>
      )}
      {accounts.length > 0 && (
        <section className="card pad sample">
          <h2>{t('signin.sample')}</h2>
          <p className="soft">{t('signin.sample_text')} <code>{company.data?.password}</code></p>
          {wrong && <Refused problem={wrong} />}
          {houses.map((house) => (
            <div key={house}>
              {houses.length > 1 && <h3>{house}</h3>}
              <ul className="people">
                {accounts.filter((a) => a.house === house).map((a) => (
                  <li key={a.account}>
                    <button type="button" disabled={!!busy} aria-busy={busy === a.account} onClick={() => void sample(a.account)}>
                      <b>{a.name}</b> <span>{a.post}</span> <span className="soft small">{a.unit}</span>
                    </button>
                  </li>
                ))}
              </ul>
            </div>
          ))}
        </section>
      )}
    </main>
  )
}
