// One's own second factors: codes from a telephone, passkeys, recovery codes for the day it is lost.
import { Button, Input } from 'antd'
import { useState, type ReactNode } from 'react'
import { call, get, post, problemOf } from '../api/client'
import { queries, useGet } from '../api/query'
import type { Company, Me, Problem } from '../api/types'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { makePasskey, passkeysHere } from '../app/passkey'
import { useMe, useSession } from '../app/session'
import { absolute, parse } from '../app/time'
import { Card, Failed, Loading } from '../elements/parts'
import { Refused } from '../elements/refusal'

interface Factor { id: string; kind: 'totp' | 'passkey' | 'recovery'; name?: string; at: string; last_at?: string; left?: number }
interface View { factors: Factor[]; identities: { id: string; subject: string; at: string; last_at?: string }[]; enrol_by?: string }

export const useFactors = () => useGet<View>('/api/factor')

/** What a change of the second factors moves: the lists, and what the frame says about them. */
function useChanged() {
  const { setMe } = useSession()
  return async () => {
    await Promise.all(['/api/factor', '/api/session', '/api/token'].map((k) => queries.invalidateQueries({ queryKey: [k] })))
    setMe(await get<Me>('/api/me'))
  }
}

/** A button that does one thing and says under itself what kept it from it. */
function Do({ children, run, primary }: { children: ReactNode; run: () => Promise<unknown>; primary?: boolean }) {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const go = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await run()
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy(false)
  }
  return (
    <>
      <Button type={primary ? 'primary' : 'default'} loading={busy} onClick={() => void go()}>{children}</Button>
      {problem && <Refused problem={problem} />}
    </>
  )
}

export function SecondFactors() {
  const { t, lang } = useWords()
  const now = useNow()
  const q = useFactors()
  const company = useGet<Company>('/api/company')
  const changed = useChanged()
  const [open, setOpen] = useState<'' | 'totp' | 'recovery'>('')
  const [name, setName] = useState('')
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Card title={t('factor.title')}><Loading rows={3} /></Card>
  const at = (s?: string) => { const x = parse(s); return x === null ? '' : absolute(x, now, lang) }
  const list = q.data.factors
  const of = (kind: string) => list.filter((f) => f.kind === kind)
  const remove = async (id: string) => {
    await call('DELETE', `/api/factor/${id}`)
    await changed()
  }
  const line = (f: Factor, what: string) => (
    <li key={f.id} className="rel">
      <span>{what} <span className="soft small">{t('factor.since', { at: at(f.at) })}{f.last_at ? t('factor.last', { at: at(f.last_at) }) : ''}</span></span>
      <Do run={() => remove(f.id)}>{t('factor.remove')}</Do>
    </li>
  )
  const closed = async () => {
    setOpen('')
    await changed()
  }
  return (
    <Card className="factors" title={t('factor.title')}>
      <p className="soft">{t('factor.text')}</p>
      {(parse(q.data.enrol_by) ?? 0) > now && <p className="notice amber">{t('factor.by', { at: at(q.data.enrol_by) })}</p>}
      <section aria-labelledby="factor-totp">
        <h3 id="factor-totp">{t('factor.totp')}</h3>
        {of('totp').length > 0 && <ul className="rows">{of('totp').map((f) => line(f, t('factor.totp_on')))}</ul>}
        {open === 'totp' ? <Codes onDone={closed} onCancel={() => setOpen('')} /> : <Button onClick={() => setOpen('totp')}>{of('totp').length ? t('factor.totp_anew') : t('factor.totp_add')}</Button>}
      </section>
      <section aria-labelledby="factor-passkey">
        <h3 id="factor-passkey">{t('factor.passkey')}</h3>
        {of('passkey').length > 0 && <ul className="rows">{of('passkey').map((f) => line(f, f.name || t('factor.passkey')))}</ul>}
        {passkeysHere(company.data?.passkey_host) ? (
          <div className="row-actions at-foot">
            <div className="item">
              <label htmlFor="passkey-name">{t('factor.passkey_name')}</label>
              <Input id="passkey-name" maxLength={60} value={name} onChange={(e) => setName(e.target.value)} placeholder={t('factor.passkey_hint')} />
            </div>
            <Do run={async () => { await makePasskey(name.trim()); setName(''); await changed() }}>{t('factor.passkey_add')}</Do>
          </div>
        ) : <p className="soft small">{company.data?.passkey_host ? t('factor.passkey_at', { host: company.data.passkey_host }) : t('factor.passkey_off')}</p>}
      </section>
      <section aria-labelledby="factor-recovery">
        <h3 id="factor-recovery">{t('factor.recovery')}</h3>
        <p className="soft small">{of('recovery').length ? t('factor.left_other', { count: of('recovery')[0].left ?? 0 }) : t('factor.recovery_none')}</p>
        {open === 'recovery' ? <Recovery onDone={closed} /> : <Button onClick={() => setOpen('recovery')}>{of('recovery').length ? t('factor.recovery_anew') : t('factor.recovery_add')}</Button>}
      </section>
    </Card>
  )
}

function Codes({ onDone, onCancel }: { onDone: () => Promise<void>; onCancel: () => void }) {
  const { t } = useWords()
  const [e, setE] = useState<{ secret: string; uri: string; image: string } | null>(null)
  const [code, setCode] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  if (!e) return <Do primary run={async () => setE(await post('/api/factor/totp'))}>{t('factor.totp_begin')}</Do>
  const send = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await post('/api/factor/totp/confirm', { code })
      await onDone()
    } catch (x) {
      setProblem(problemOf(x))
      setBusy(false)
      document.getElementById('totp-code')?.focus()
    }
  }
  return (
    <form onSubmit={(x) => { x.preventDefault(); void send() }}>
      <p>{t('factor.scan')}</p>
      <img className="qr" alt={t('factor.qr')} src={`data:image/svg+xml;utf8,${encodeURIComponent(e.image)}`} />
      <p className="soft small">{t('factor.by_hand')} <code className="codes">{e.secret.replace(/(.{4})/g, '$1 ').trim()}</code> · <a href={e.uri}>{t('factor.open_app')}</a></p>
      {problem && <Refused problem={problem} />}
      <div className="item">
        <label htmlFor="totp-code">{t('factor.first_code')}</label>
        <Input id="totp-code" autoFocus inputMode="numeric" autoComplete="one-time-code" maxLength={9} value={code} onChange={(x) => setCode(x.target.value)} />
      </div>
      <div className="row-actions"><Button type="primary" htmlType="submit" loading={busy}>{t('factor.totp_done')}</Button><Button onClick={onCancel}>{t('cancel')}</Button></div>
    </form>
  )
}

/** Ten codes, shown once; one must be typed, so that they are written down and not only looked at. */
export function Recovery({ onDone }: { onDone: () => Promise<void> }) {
  const { t } = useWords()
  const me = useMe()
  const [codes, setCodes] = useState<string[] | null>(null)
  const [code, setCode] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  if (!codes) return <Do primary run={async () => setCodes((await post<{ codes: string[] }>('/api/factor/recovery')).codes)}>{t('factor.recovery_show')}</Do>
  const send = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await post('/api/factor/recovery/confirm', { code })
      await onDone()
    } catch (x) {
      setProblem(problemOf(x))
      setBusy(false)
      document.getElementById('recovery-code')?.focus()
    }
  }
  const file = `data:text/plain;charset=utf-8,${encodeURIComponent([`${me.company.name} ${me.person.account}`, ...codes].join('\n') + '\n')}`
  return (
    <form onSubmit={(x) => { x.preventDefault(); void send() }}>
      <p className="notice amber">{t('factor.recovery_once')}</p>
      <ol className="codes">{codes.map((c) => <li key={c}><code>{c}</code></li>)}</ol>
      <p><a href={file} download="recovery.txt">{t('factor.recovery_file')}</a></p>
      {problem && <Refused problem={problem} />}
      <div className="item">
        <label htmlFor="recovery-code">{t('factor.recovery_type')}</label>
        <Input id="recovery-code" autoComplete="off" autoCapitalize="characters" spellCheck={false} value={code} onChange={(x) => setCode(x.target.value)} />
      </div>
      <Button type="primary" htmlType="submit" loading={busy}>{t('factor.recovery_done')}</Button>
    </form>
  )
}

export function CompanyAccount() {
  const { t } = useWords()
  const company = useGet<Company>('/api/company')
  const q = useFactors()
  const came = new URLSearchParams(location.search).get('sso')
  if (!company.data?.sso) return null
  const list = q.data?.identities ?? []
  const link = async () => { location.href = (await post<{ url: string }>('/api/identity')).url }
  return (
    <Card title={t('sso.title', { name: company.data.sso })}>
      {came === 'taken' && <p className="notice amber" role="alert">{t('sso.taken')}</p>}
      {came === 'linked' && <p className="notice" role="status">{t('sso.linked')}</p>}
      {list.length > 0 ? (
        <ul className="rows">
          {list.map((x) => (
            <li key={x.id} className="rel">
              <span>{t('sso.on')} <span className="soft small">{x.subject}</span></span>
              <Do run={async () => { await call('DELETE', `/api/identity/${x.id}`); await queries.invalidateQueries({ queryKey: ['/api/factor'] }) }}>{t('sso.unlink')}</Do>
            </li>
          ))}
        </ul>
      ) : <p className="soft">{t('sso.none')}</p>}
      <Do run={link}>{t('sso.link')}</Do>
    </Card>
  )
}

/** The whole screen of somebody who must enrol before anything else is open to him. */
export function MustEnrol() {
  const { t } = useWords()
  return (
    <main id="main" className="enrol">
      <h1>{t('factor.must')}</h1>
      <p>{t('factor.must_text')}</p>
      <SecondFactors />
    </main>
  )
}

/** After the first run: the founder has nobody who could let him in again, so his recovery codes come first. */
export function Founded({ onDone }: { onDone: () => void }) {
  const { t } = useWords()
  return (
    <main id="main" className="signin">
      <section className="card pad">
        <h1>{t('first.recovery')}</h1>
        <p>{t('first.recovery_text')}</p>
        <Recovery onDone={async () => onDone()} />
        <p className="soft small">{t('first.recovery_next')}</p>
      </section>
    </main>
  )
}
