// First run: whose installation is this, and who looks after it? Asked once, of who holds the code printed at the start.
import { Button, Input } from 'antd'
import { useState } from 'react'
import { call, problemOf } from '../api/client'
import type { Problem } from '../api/types'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { Refused } from '../elements/refusal'

const asked = ['code', 'company', 'name', 'account', 'password'] as const
type Answers = Record<(typeof asked)[number], string>

/** Set from the founding until the recovery codes are written down; a page loaded anew comes back to them. */
export const FOUNDING = 'zg:founding'

export function FirstRun({ enter }: { enter: (account: string, password: string) => Promise<void> }) {
  const { t } = useWords()
  const [values, setValues] = useState<Answers>({ code: '', company: '', name: '', account: '', password: '' })
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  useTitle(t('first.title'))
  const go = async () => {
    const missing = asked.find((k) => !values[k].trim())
    if (missing) {
      setProblem({ kind: 'invalid', status: 400, title: t('first.fill', { what: t(`first.${missing}`) }) })
      document.getElementById(`first-${missing}`)?.focus()
      return
    }
    setBusy(true)
    setProblem(null)
    try {
      await call('POST', '/api/first-run', { body: values, quiet: true })
      sessionStorage.setItem(FOUNDING, '1')
      await enter(values.account.trim(), values.password)
    } catch (e) {
      setProblem(problemOf(e))
      setBusy(false)
    }
  }
  const item = (k: (typeof asked)[number], more: object = {}) => (
    <div className="item">
      <label htmlFor={`first-${k}`}>{t(`first.${k}`)}</label>
      {k === 'password'
        ? <Input.Password id={`first-${k}`} aria-describedby={`first-${k}-hint`} autoComplete="new-password" value={values[k]} onChange={(e) => setValues({ ...values, [k]: e.target.value })} />
        : <Input id={`first-${k}`} aria-describedby={`first-${k}-hint`} spellCheck={false} value={values[k]} onChange={(e) => setValues({ ...values, [k]: e.target.value })} {...more} />}
      <p className="hint" id={`first-${k}-hint`}>{t(`first.${k}_hint`)}</p>
    </div>
  )
  return (
    <section className="card pad">
      <div className="signin-brand"><span className="seal big" aria-hidden="true">柜</span><h1>{t('first.title')}</h1></div>
      <p className="soft">{t('first.text')}</p>
      {problem && <Refused problem={problem} />}
      <form className="signin-form" onSubmit={(e) => { e.preventDefault(); void go() }}>
        {item('code', { autoFocus: true, autoComplete: 'off', autoCapitalize: 'characters' })}
        {item('company', { autoComplete: 'organization' })}
        {item('name', { autoComplete: 'name' })}
        {item('account', { autoComplete: 'username', autoCapitalize: 'none' })}
        {item('password')}
        <Button type="primary" htmlType="submit" block loading={busy}>{t('first.do')}</Button>
      </form>
    </section>
  )
}
