// What is held about one person, to be handed to him: on paper, or as data.
import { Button } from 'antd'
import { useEffect, useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import { post } from '../api/client'
import { refresh } from '../api/query'
import type { Text } from '../api/types'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { dataTime, parse } from '../app/time'
import { Failed } from '../elements/parts'
import { plain } from '../fields/plain'
import '../elements/paper.css'

interface Mention { form: string; record: string; label: Text; number: string; at: string }
interface Copy {
  request: string
  at: string
  by?: { name: string }
  held: { label: Text; title: string; fields: { field: string; label: Text; value: unknown }[]; history: { label: Text; old: unknown; by: string; at: string }[] }[]
  mentions: Mention[]
  same: Mention[]
  read: { at: string; by: string; action: Text; purpose?: string }[]
}

const FORM = 'base.personal_request'

export default function PersonalCopy() {
  const { id = '' } = useParams()
  const { t, w, lang } = useWords()
  const go = useNavigate()
  const [copy, setCopy] = useState<Copy | null>(null)
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<unknown>(null)
  useTitle(t('personal.copy'))
  useEffect(() => {
    document.body.classList.add('on-paper')
    return () => document.body.classList.remove('on-paper')
  }, [])
  const make = async () => {
    setBusy(true)
    setWrong(null)
    try {
      setCopy(await post<Copy>(`/api/personal-request/${id}/copy`))
      refresh(FORM, id)
    } catch (e) {
      setWrong(e)
    } finally {
      setBusy(false)
    }
  }
  const save = () => {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([JSON.stringify(copy, null, 2)], { type: 'application/json' }))
    link.download = `${copy!.request || 'copy'}.json`
    link.click()
    URL.revokeObjectURL(link.href)
  }
  const when = (s: string) => { const at = parse(s); return at === null ? s : dataTime(at) }
  const table = (label: string, head: string[], rows: (string | undefined)[][]) => rows.length > 0 && (
    <table>
      <caption>{label}</caption>
      <thead><tr>{head.map((h) => <th key={h}>{h}</th>)}</tr></thead>
      <tbody>{rows.map((r, n) => <tr key={n}>{r.map((c, k) => <td key={k}>{c}</td>)}</tr>)}</tbody>
    </table>
  )
  const mentions = (list: Mention[]) => list.map((m) => [when(m.at), w(m.label), m.number])
  return (
    <main className="print-page">
      <div className="no-print print-bar">
        <Button onClick={() => go(`/record/${FORM}/${id}`)}>{t('back')}</Button>
        <span className="grow" />
        {copy && <Button onClick={save}>{t('personal.copy_json')}</Button>}
        {copy ? <Button type="primary" onClick={() => window.print()}>{t('print')}</Button> : <Button type="primary" loading={busy} onClick={() => void make()}>{t('personal.copy_make')}</Button>}
      </div>
      <p className="no-print soft small">{t('personal.copy_text')}</p>
      {!!wrong && <div className="no-print"><Failed error={wrong} /></div>}
      {copy && (
        <article className="paper">
          <header>
            <h1>{t('personal.copy')}</h1>
            <div className="line"><span>{t('personal.answers', { number: copy.request })}</span><span>{copy.by?.name} {when(copy.at)}</span></div>
          </header>
          {copy.held.map((h, n) => (
            <section key={n}>
              <h2>{t('personal.held')}{lang === 'zh' ? '：' : ': '}{w(h.label)} {h.title}</h2>
              <div className="cells">{h.fields.map((f) => <div className="wide" key={f.field}><span className="l">{w(f.label)}</span><span className="v">{plain(f.value, lang)}</span></div>)}</div>
              {table(t('personal.history'), [t('personal.when'), t('personal.what'), t('personal.was'), t('personal.who')], h.history.map((x) => [when(x.at), w(x.label), plain(x.old, lang), x.by]))}
            </section>
          ))}
          {table(t('personal.mentions'), [t('personal.when'), t('personal.what'), t('number')], mentions(copy.mentions))}
          {table(t('personal.same'), [t('personal.when'), t('personal.what'), t('number')], mentions(copy.same))}
          {table(t('personal.read'), [t('personal.when'), t('personal.who'), t('personal.what'), t('personal.purpose')], copy.read.map((x) => [when(x.at), x.by, w(x.action), x.purpose]))}
        </article>
      )}
    </main>
  )
}
