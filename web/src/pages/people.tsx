// One person: what he may do, in sentences; and how another helps him back in.
import { Button, Input } from 'antd'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { call, post, problemOf } from '../api/client'
import { useGet } from '../api/query'
import type { Problem, Rec, Text } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { useMe } from '../app/session'
import { absolute, parse } from '../app/time'
import { Card, Failed, Loading } from '../elements/parts'
import { Refused } from '../elements/refusal'

export default function People() {
  const { id = '' } = useParams()
  const { t, w, lang } = useWords()
  const me = useMe()
  const rec = useGet<Rec>(`/api/form/base.person/record/${id}`)
  const q = useGet<Text[]>(`/api/person/${id}/rights`)
  const [given, setGiven] = useState<{ link: string; until: string } | null>(null)
  const [lost, setLost] = useState<string | null>(null) // how it was made sure that it is he
  const [done, setDone] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  useTitle(rec.data?.title ?? '')
  const now = useNow()
  const act = async (fn: () => Promise<void>) => {
    setProblem(null)
    setDone('')
    setGiven(null)
    try {
      await fn()
    } catch (e) {
      setProblem(problemOf(e))
    }
  }
  const reset = () => act(async () => {
    const r = await post<{ link: string; until: string }>(`/api/person/${id}/reset`)
    setGiven({ ...r, link: new URL(r.link, location.origin).href })
  })
  const signOut = () => act(async () => {
    await call('DELETE', `/api/person/${id}/session`)
    setDone(t('people.signed_out'))
  })
  const forget = () => act(async () => {
    await call('DELETE', `/api/person/${id}/factor`, { body: { reason: lost } })
    setLost(null)
    setDone(t('people.lost_done'))
  })
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={6} />
  return (
    <div className="narrow">
      <header className="page-head">
        <div className="titles"><nav className="crumbs"><Link to="/register/base.person">{t('people.title')}</Link></nav><h1>{rec.data?.title}</h1></div>
        <div className="acts"><Link to={`/record/base.person/${id}`}>{t('people.record')}</Link>{me.rights.includes('people') && id !== me.person.id && (
          <>
            <Button onClick={() => void reset()}>{t('people.reset')}</Button>
            <Button onClick={() => setLost('')}>{t('people.lost')}</Button>
            <Button onClick={() => void signOut()}>{t('people.sign_out')}</Button>
            {rec.data?.state === 'employed' && <Link className="button" to={`/people/${id}/leave`}>{t('leave.open')}</Link>}
          </>
        )}</div>
      </header>
      {problem && <Refused problem={problem} />}
      {done && <p className="notice" role="status">{done}</p>}
      {given && <p className="notice" role="status">{t('people.reset_given', { at: absolute(parse(given.until)!, now, lang) })} <code className="codes">{given.link}</code></p>}
      {lost !== null && (
        <Card title={t('people.lost')}>
          <p>{t('people.lost_text')}</p>
          <form onSubmit={(e) => { e.preventDefault(); void forget() }}>
            <div className="item"><label htmlFor="lost-reason">{t('people.lost_reason')}</label><Input id="lost-reason" autoFocus value={lost} onChange={(e) => setLost(e.target.value)} /></div>
            <div className="row-actions"><Button danger htmlType="submit">{t('people.lost_do')}</Button><Button onClick={() => setLost(null)}>{t('cancel')}</Button></div>
          </form>
        </Card>
      )}
      <Card title={t('people.rights')}><ul className="plain">{q.data.map((s, i) => <li key={i}>{w(s)}</li>)}</ul></Card>
    </div>
  )
}
