import { Button } from 'antd'
import { call } from '../api/client'
import { queries, useGet } from '../api/query'
import { device } from '../app/agent'
import { useNow, useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { useMe } from '../app/session'
import { absolute, parse } from '../app/time'
import { Channels } from '../elements/channels'
import { Card, Loading } from '../elements/parts'
import { CompanyAccount, SecondFactors } from './factor'
import { ChangePassword } from './password'
import { Tokens } from './tokens'

interface Session { id: string; at: string; last_at: string; agent: string; address: string; current: boolean }

export default function Mine() {
  const { t, w, lang } = useWords()
  const me = useMe()
  const now = useNow()
  const q = useGet<Session[]>('/api/session')
  useTitle(t('me.title'))
  const at = (s: string) => { const x = parse(s); return x === null ? '' : absolute(x, now, lang) }
  return (
    <div className="narrow">
      <header className="page-head"><h1>{me.person.name} <small className="soft">{me.person.post} {me.person.unit?.name}</small></h1></header>
      <Card title={t('me.roles')}><ul className="plain">{me.roles.map((r) => <li key={r.id + w(r.unit)}>{w(r.label)} <span className="soft small">{w(r.unit)}</span></li>)}</ul></Card>
      <Channels />
      <h2>{t('me.security')}</h2>
      <ChangePassword />
      <SecondFactors />
      <CompanyAccount />
      <Card title={t('me.sessions')}>
        {!q.data ? <Loading rows={3} /> : (
          <ul className="rows">
            {q.data.map((s) => (
              <li key={s.id} className="rel">
                <span>{device(s.agent) || t('me.unknown_device')} <span className="soft small">{s.address}　{t('me.last', { at: at(s.last_at) })}</span></span>
                {s.current ? <span className="soft">{t('me.this')}</span> : <Button size="small" onClick={() => void call('DELETE', `/api/session/${s.id}`).then(() => queries.invalidateQueries({ queryKey: ['/api/session'] }))}>{t('me.end')}</Button>}
              </li>
            ))}
          </ul>
        )}
      </Card>
      <Tokens />
    </div>
  )
}
