// Machine tokens: which programs act in one's name, what they may, until when, and when they were last here.
import { Button, Input, Select } from 'antd'
import { useState } from 'react'
import { call, post, problemOf } from '../api/client'
import { queries, useGet } from '../api/query'
import type { Problem } from '../api/types'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { absolute, parse } from '../app/time'
import { Card, Loading } from '../elements/parts'
import { Refused } from '../elements/refusal'

interface Token { id: string; name: string; scope: string[]; at: string; ends: string; last_at?: string; from?: string[]; token?: string }

export function Tokens() {
  const { t, lang } = useWords()
  const now = useNow()
  const q = useGet<Token[]>('/api/token')
  const [making, setMaking] = useState(false)
  const [name, setName] = useState('')
  const [scope, setScope] = useState('read')
  const [days, setDays] = useState(90)
  const [from, setFrom] = useState('')
  const [made, setMade] = useState<Token | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const at = (s?: string) => { const x = parse(s); return x === null ? '' : absolute(x, now, lang) }
  const again = () => queries.invalidateQueries({ queryKey: ['/api/token'] })
  const make = async () => {
    setProblem(null)
    try {
      setMade(await post<Token>('/api/token', { name, scope: scope === 'write' ? ['read', 'write'] : ['read'], days, from: from.split(/[\s,，]+/).filter(Boolean) }))
      setMaking(false)
      setName('')
      await again()
    } catch (e) {
      setProblem(problemOf(e))
    }
  }
  const end = async (id: string) => {
    setProblem(null)
    try {
      await call('DELETE', `/api/token/${id}`)
      await again()
    } catch (e) {
      setProblem(problemOf(e))
    }
  }
  return (
    <Card title={t('token.title')}>
      <p className="soft">{t('token.text')}</p>
      {problem && <Refused problem={problem} />}
      {made?.token && <div className="notice amber" role="status"><p>{t('token.once')}</p><code className="codes">{made.token}</code></div>}
      {!q.data ? <Loading rows={2} /> : q.data.length === 0 ? <p className="soft small">{t('token.none')}</p> : (
        <ul className="rows">
          {q.data.map((x) => (
            <li key={x.id} className="rel">
              <span>{x.name} <span className="soft small">{x.scope.includes('write') ? t('token.write') : t('token.read')}　{t('token.until', { at: at(x.ends) })}　{x.last_at ? t('token.last', { at: at(x.last_at) }) : t('token.unused')}{x.from?.length ? `　${x.from.join(' ')}` : ''}</span></span>
              <Button size="small" onClick={() => void end(x.id)}>{t('token.end')}</Button>
            </li>
          ))}
        </ul>
      )}
      {making ? (
        <form className="fill" onSubmit={(e) => { e.preventDefault(); void make() }}>
          <div className="item"><label htmlFor="token-name">{t('token.name')}</label><Input id="token-name" autoFocus value={name} onChange={(e) => setName(e.target.value)} /></div>
          <div className="item"><label htmlFor="token-scope">{t('token.scope')}</label><Select id="token-scope" className="wide" value={scope} onChange={setScope} options={[{ value: 'read', label: t('token.read') }, { value: 'write', label: t('token.write') }]} /></div>
          <div className="item"><label htmlFor="token-days">{t('token.days')}</label><Input id="token-days" type="number" min={1} max={180} value={days} onChange={(e) => setDays(Number(e.target.value))} /></div>
          <div className="item"><label htmlFor="token-from">{t('token.from')}</label><Input id="token-from" value={from} placeholder="10.2.0.0/16" onChange={(e) => setFrom(e.target.value)} /></div>
          <div className="wide row-actions"><Button type="primary" htmlType="submit">{t('token.make')}</Button><Button onClick={() => setMaking(false)}>{t('cancel')}</Button></div>
        </form>
      ) : <Button onClick={() => { setMade(null); setMaking(true) }}>{t('token.new')}</Button>}
    </Card>
  )
}
