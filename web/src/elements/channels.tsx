// How alerts find a person: this device, and the channels that reach him elsewhere.
import { Button, Input, Select, Switch } from 'antd'
import { useState } from 'react'
import { Refusal, call, post, problemOf } from '../api/client'
import { queries, useGet } from '../api/query'
import type { Channel, Problem } from '../api/types'
import { setSound, soundOn, systemState } from '../app/alarm'
import { useWords } from '../app/i18n'
import { endPush, pushable, pushedBy, startPush } from '../app/push'
import { Card, Empty, Failed, Loading } from './parts'
import { Refused } from './refusal'

const KINDS = ['wecom', 'dingtalk', 'feishu', 'webhook', 'mail'] as const
const two = (n: number) => String(n).padStart(2, '0')
const clock = (minutes: number) => `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
const minutes = (s: string) => {
  const m = /^(\d{1,2}):(\d{2})$/.exec(s)
  return m ? Number(m[1]) * 60 + Number(m[2]) : 0
}

export function Channels() {
  const { t } = useWords()
  const q = useGet<{ channels: Channel[]; mail: boolean; push: string }>('/api/alert')
  const [sound, setOn] = useState(soundOn())
  const [system, setSystem] = useState(systemState())
  const [adding, setAdding] = useState(false)
  const [tried, setTried] = useState('')
  const again = () => queries.invalidateQueries({ queryKey: ['/api/alert'] })
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  return (
    <Card title={t('alert.title')}>
      <p className="soft">{t('alert.text')}</p>
      <h3>{t('alert.this_device')}</h3>
      <ul className="rows">
        <li className="rel"><label htmlFor="alert-sound">{t('alert.sound')}</label><Switch id="alert-sound" checked={sound} onChange={(on) => { setSound(on); setOn(on) }} /></li>
        {system !== 'none' && (
          <li className="rel"><span>{t('alert.system')}</span>{system === 'granted' ? <span className="soft">{t('alert.system_on')}</span> : system === 'denied' ? <span className="soft small">{t('alert.system_no')}</span> : <Button onClick={() => void Notification.requestPermission().then(setSystem)}>{t('alert.system_ask')}</Button>}</li>
        )}
        {q.data && <Push channels={q.data.channels} secret={q.data.push} again={again} onAsked={() => setSystem(systemState())} />}
      </ul>
      <h3>{t('alert.channels')}</h3>
      {!q.data ? <Loading rows={2} /> : !q.data.channels.length ? <Empty>{t('alert.none')}</Empty> : (
        <ul className="rows">
          {q.data.channels.map((c) => (
            <li key={c.id} className="rel channel">
              <span>{t(`alert.kind.${c.kind}`)} <span className="soft small">{c.shown}　{c.quiet_from === c.quiet_until ? t('alert.quiet_never') : t('alert.quiet_between', { from: clock(c.quiet_from), until: clock(c.quiet_until) })}</span></span>
              <span className="act-buttons">
                {tried === c.id ? <span className="soft small" role="status">{t('alert.tried')}</span> : <Button onClick={() => void post(`/api/alert/${c.id}/try`).then(() => setTried(c.id))}>{t('alert.try')}</Button>}
                <Button onClick={() => void (pushedBy([c]) ? endPush(c) : call('DELETE', `/api/alert/${c.id}`)).then(again)}>{t('alert.drop')}</Button>
              </span>
            </li>
          ))}
        </ul>
      )}
      <p className="soft small">{t('alert.quiet_clause')}</p>
      {adding ? <Add mail={!!q.data?.mail} onClose={() => setAdding(false)} onDone={() => { setAdding(false); void again() }} /> : <Button onClick={() => setAdding(true)}>{t('alert.add')}</Button>}
    </Card>
  )
}

/** Whether this browser is told while its page is closed. */
function Push({ channels, secret, again, onAsked }: { channels: Channel[]; secret: string; again: () => Promise<void>; onAsked: () => void }) {
  const { t } = useWords()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [said, setSaid] = useState('')
  const mine = pushedBy(channels)
  const turn = async (on: boolean) => {
    setBusy(true)
    setProblem(null)
    setSaid('')
    try {
      if (!on && mine) await endPush(mine)
      else if (!(await startPush(secret))) setSaid('alert.system_no')
      await again()
    } catch (e) {
      if (e instanceof Refusal) setProblem(e.problem)
      else setSaid('alert.push_failed') // a browser's own words are not for people
    }
    setBusy(false)
    onAsked()
  }
  if (!pushable() || !secret) return <li className="rel"><span>{t('alert.push')}</span><span className="soft small">{t('alert.push_none')}</span></li>
  return (
    <li className="rel" style={{ flexWrap: 'nowrap' }}>
      <div>
        <label htmlFor="alert-push">{t('alert.push')}</label> <span className="soft small">{t('alert.push_hint')}</span>
        {said && <p className="bad small" role="alert">{t(said)}</p>}
        {problem && <Refused problem={problem} />}
      </div>
      <Switch id="alert-push" checked={!!mine} loading={busy} onChange={(on) => void turn(on)} />
    </li>
  )
}

function Add({ mail, onClose, onDone }: { mail: boolean; onClose: () => void; onDone: () => void }) {
  const { t } = useWords()
  const [kind, setKind] = useState<(typeof KINDS)[number]>('wecom')
  const [address, setAddress] = useState('')
  const [secret, setSecret] = useState('')
  const [from, setFrom] = useState('22:00')
  const [until, setUntil] = useState('07:00')
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const save = async () => {
    setBusy(true)
    setProblem(null)
    try {
      await call('POST', '/api/alert', { body: { kind, address, secret, quiet_from: minutes(from), quiet_until: minutes(until) } })
      onDone()
    } catch (e) {
      setProblem(problemOf(e))
      setBusy(false)
    }
  }
  const robot = kind !== 'mail'
  return (
    <form className="channel-add" onSubmit={(e) => { e.preventDefault(); void save() }}>
      {problem && <Refused problem={problem} />}
      <label htmlFor="channel-kind">{t('alert.kind')}</label>
      <Select id="channel-kind" value={kind} onChange={setKind} options={KINDS.map((k) => ({ value: k, label: t(`alert.kind.${k}`), disabled: k === 'mail' && !mail }))} />
      {!mail && <p className="soft small">{t('alert.no_mail')}</p>}
      <label htmlFor="channel-address">{kind === 'webhook' ? t('alert.program') : robot ? t('alert.address') : t('alert.mailbox')}</label>
      <Input id="channel-address" value={address} onChange={(e) => setAddress(e.target.value)} placeholder={robot ? 'https://' : ''} autoComplete="off" spellCheck={false} inputMode={robot ? 'url' : 'email'} />
      {(kind === 'dingtalk' || kind === 'feishu' || kind === 'webhook') && (
        <>
          <label htmlFor="channel-secret">{t('alert.secret')}</label>
          <Input.Password id="channel-secret" value={secret} onChange={(e) => setSecret(e.target.value)} autoComplete="off" aria-describedby="channel-secret-hint" />
          <p id="channel-secret-hint" className="soft small">{t(kind === 'webhook' ? 'alert.secret_program' : 'alert.secret_hint')}</p>
        </>
      )}
      <div className="channel-quiet">
        <label htmlFor="channel-from">{t('alert.quiet_from')}</label>
        <Input id="channel-from" type="time" value={from} onChange={(e) => setFrom(e.target.value)} />
        <label htmlFor="channel-until">{t('alert.quiet_until')}</label>
        <Input id="channel-until" type="time" value={until} onChange={(e) => setUntil(e.target.value)} />
      </div>
      <div className="act-buttons">
        <Button onClick={onClose}>{t('cancel')}</Button>
        <Button type="primary" htmlType="submit" loading={busy}>{t('alert.save')}</Button>
      </div>
    </form>
  )
}
