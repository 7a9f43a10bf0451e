// One person: what he may do, in sentences.
import { Button } from 'antd'
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { post, problemOf } from '../api/client'
import { useGet } from '../api/query'
import type { Problem, Rec, Text } from '../api/types'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { useMe } from '../app/session'
import { Card, Failed, Loading } from '../elements/parts'
import { Refused } from '../elements/refusal'

export default function People() {
  const { id = '' } = useParams()
  const { t, w } = useWords()
  const me = useMe()
  const rec = useGet<Rec>(`/api/form/base.person/record/${id}`)
  const q = useGet<Text[]>(`/api/person/${id}/rights`)
  const [given, setGiven] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  useTitle(rec.data?.title ?? '')
  const oneTime = async () => {
    setProblem(null)
    try {
      const r = await post<{ password?: string; one_time?: string }>(`/api/person/${id}/password`)
      setGiven(r.password ?? r.one_time ?? '')
    } catch (e) {
      setProblem(problemOf(e))
    }
  }
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={6} />
  return (
    <div className="narrow">
      <header className="page-head">
        <div className="titles"><nav className="crumbs"><Link to="/register/base.person">{t('people.title')}</Link></nav><h1>{rec.data?.title}</h1></div>
        <div className="acts"><Link to={`/record/base.person/${id}`}>{t('people.record')}</Link>{me.rights.includes('people') && <Button onClick={() => void oneTime()}>{t('people.one_time')}</Button>}</div>
      </header>
      {problem && <Refused problem={problem} />}
      {given && <p className="notice">{t('people.given')} <code>{given}</code></p>}
      <Card title={t('people.rights')}><ul className="plain">{q.data.map((s, i) => <li key={i}>{w(s)}</li>)}</ul></Card>
    </div>
  )
}
