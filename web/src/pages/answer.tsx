// Somebody without an account does the one thing his link is for: on a phone, in his language, once. The secret stands behind the # and
// goes to the server in a header alone.
import { Button, Input } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { newKey } from '../api/client'
import type { Field, Problem, Text, Value } from '../api/types'
import { setZone, absolute, parse } from '../app/time'
import { setLanguage, useWords } from '../app/i18n'
import { useTitle } from '../app/clock'
import { Loading } from '../elements/parts'
import './answer.css'

interface Line { id: string; label: Text; reads: string[]; fills: Field[]; rows: { id: string; reads: Record<string, Text> }[] }
interface Asked { company: string; until: string; form: Text; title: string; action: Text; shown: { label: Text; text: Text }[]; fields: Field[]; must: string[]; values: Record<string, Value>; lines: Line[] }
type Given = Record<string, string | boolean>

async function ask<T>(method: string, token: string, lang: string, body?: unknown, key?: string): Promise<T> {
  const headers: Record<string, string> = { Authorization: `Bearer ${token}`, 'Accept-Language': lang === 'zh' ? 'zh-CN' : 'en' }
  if (body) Object.assign(headers, { 'Content-Type': 'application/json', 'Idempotency-Key': key })
  let res: Response
  try {
    res = await fetch('/api/answer', { method, headers, body: body ? JSON.stringify(body) : undefined, credentials: 'omit' })
  } catch {
    throw { kind: 'offline', status: 0, title: '' } as Problem
  }
  if (res.ok) return (res.status === 204 ? undefined : await res.json()) as T
  throw (await res.json().catch(() => ({ kind: 'unavailable', status: res.status, title: '' }))) as Problem
}

export default function Answer() {
  const { t, w, lang } = useWords()
  const [token] = useState(() => location.hash.slice(1))
  const [asked, setAsked] = useState<Asked | null>(null)
  const [dead, setDead] = useState<Problem | null>(null)
  const [given, setGiven] = useState<Given>({})
  const [problem, setProblem] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const [done, setDone] = useState(false)
  const [key] = useState(newKey)
  const said = useRef<HTMLDivElement>(null)
  const first = useRef(lang)
  useTitle(asked ? w(asked.form) : t('answer.title'))
  useEffect(() => {
    ask<Asked>('GET', token, first.current).then((a) => {
      setZone('Asia/Shanghai')
      setGiven(draft(a))
      setAsked(a)
    }, (e) => setDead(e as Problem))
  }, [token])
  useEffect(() => { if (problem || done) said.current?.focus() }, [problem, done])
  const put = (at: string, v: string | boolean) => {
    const next = { ...given, [at]: v }
    setGiven(next)
    if (asked) keep(asked, next)
  }
  const send = async () => {
    if (!asked) return
    setBusy(true)
    setProblem(null)
    const of = (f: Field, at: string): Value => (f.type === 'bool' ? given[at] === true : given[at] === undefined || given[at] === '' ? null : f.type === 'int' ? Number(given[at]) : (given[at] as string))
    const values = Object.fromEntries(asked.fields.filter((f) => given[f.id] !== undefined).map((f) => [f.id, of(f, f.id)]))
    const lines = Object.fromEntries(asked.lines.map((l) => [l.id, l.rows.map((r) => ({ id: r.id, ...Object.fromEntries(l.fills.filter((f) => given[`${r.id}.${f.id}`] !== undefined).map((f) => [f.id, of(f, `${r.id}.${f.id}`)])) }))]))
    try {
      await ask('POST', token, lang, { values, lines }, key)
      keep(asked, null)
      history.replaceState(null, '', '/answer')
      setDone(true)
    } catch (e) {
      const p = e as Problem
      if (p.kind === 'unauthenticated' || p.kind === 'conflict') setDead(p)
      else setProblem(p)
    }
    setBusy(false)
  }
  const until = parse(asked?.until)
  return (
    <main className="answer" id="main">
      {!done && <div className="signin-top"><button type="button" className="link" lang={lang === 'zh' ? 'en' : 'zh-CN'} onClick={() => setLanguage(lang === 'zh' ? 'en' : 'zh')}>{lang === 'zh' ? 'English' : '中文'}</button></div>}
      {done ? (
        <section className="card pad"><h1>{t('answer.title')}</h1><div role="status" tabIndex={-1} ref={said}><p className="mark met">✓ {t('answer.thanks')}</p><p className="soft">{t('answer.close')}</p></div></section>
      ) : dead ? (
        <section className="card pad"><h1>{t(dead.kind === 'conflict' ? 'answer.over' : 'answer.wrong')}</h1><p role="alert">{dead.title || t('answer.kept')}</p>{dead.kind !== 'conflict' && <p className="soft">{t('answer.wrong_text')}</p>}</section>
      ) : !asked ? <Loading rows={6} /> : (
        <form noValidate onSubmit={(e) => { e.preventDefault(); void send() }}>
          <section className="card pad">
            <p className="soft">{t('answer.from', { company: asked.company })}</p>
            <h1>{w(asked.form)}</h1>
            <p><b>{asked.title}</b></p>
            {asked.shown.map((x) => <p key={w(x.label)} className="soft small">{w(x.label)} {w(x.text)}</p>)}
            {until !== null && <p className="soft small">{t('answer.until', { at: absolute(until, Date.now(), lang, true) })}</p>}
          </section>
          {asked.lines.map((l) => l.rows.map((r) => {
            const words = l.reads.map((id) => w(r.reads[id])).filter(Boolean)
            return (
              <fieldset className="card pad" key={r.id}>
                <legend>{words.slice(0, -1).map((x) => <span key={x} className="soft small">{x} </span>)}{words.at(-1) ?? w(l.label)}</legend>
                {l.fills.map((f) => <One key={f.id} field={f} at={`${r.id}.${f.id}`} of={words.at(-1) ?? ''} must={!!f.required} value={given[`${r.id}.${f.id}`]} onPut={put} />)}
              </fieldset>
            )
          }))}
          {asked.fields.length > 0 && <section className="card pad">{asked.fields.map((f) => <One key={f.id} field={f} at={f.id} of="" must={asked.must.includes(f.id)} value={given[f.id]} onPut={put} />)}</section>}
          {problem && (
            <div className="notice amber" role="alert" tabIndex={-1} ref={said}>
              <b>{problem.kind === 'invalid' ? t('answer.check') : problem.title || t('answer.kept')}</b>
              {problem.kind === 'invalid' && <ul>{(problem.items ?? []).map((x, i) => <li key={i}>{w(x.say)}</li>)}</ul>}
            </div>
          )}
          <Button type="primary" htmlType="submit" block size="large" loading={busy}>{t('answer.send')}</Button>
        </form>
      )}
    </main>
  )
}

/** One thing to fill. A short scale is a row of choices, each large enough for a thumb. */
function One({ field: f, at, of, must, value, onPut }: { field: Field; at: string; of: string; must: boolean; value: string | boolean | undefined; onPut: (at: string, v: string | boolean) => void }) {
  const { t, w } = useWords()
  const label = w(f.label)
  const hint = f.hint ? <p className="hint" id={`${at}-hint`}>{w(f.hint)}</p> : null
  const scale = f.type === 'int' && f.min != null && f.max != null && Number(f.max) - Number(f.min) < 10 ? Array.from({ length: Number(f.max) - Number(f.min) + 1 }, (_, i) => ({ id: String(Number(f.min) + i), label: String(Number(f.min) + i) })) : null
  const options = scale ?? (f.type === 'choice' ? (f.options ?? []).map((o) => ({ id: o.id, label: w(o.label) })) : null)
  if (f.type === 'bool') return <div className="item"><label><input type="checkbox" checked={value === true} onChange={(e) => onPut(at, e.target.checked)} /> {label}</label>{hint}</div>
  if (options)
    return (
      <div className="item" role="radiogroup" aria-label={[of, label].filter(Boolean).join(' ')} aria-describedby={f.hint ? `${at}-hint` : undefined}>
        <div className="item-label">{label}</div>
        <div className={scale ? 'scale' : 'picks'}>{options.map((o) => <label key={o.id} className={value === o.id ? 'on' : ''}><input type="radio" name={at} value={o.id} checked={value === o.id} onChange={() => onPut(at, o.id)} />{o.label}</label>)}</div>
        {hint}
      </div>
    )
  const own = { id: at, value: (value as string) ?? '', 'aria-describedby': f.hint ? `${at}-hint` : undefined }
  return (
    <div className="item">
      <label htmlFor={at}>{of && <span className="sr">{of} </span>}{label}{!must && <span className="soft small"> {t('optional')}</span>}</label>
      {f.type === 'note' ? <Input.TextArea {...own} autoSize={{ minRows: 2 }} maxLength={2000} onChange={(e) => onPut(at, e.target.value)} /> : <Input {...own} type={f.type === 'date' ? 'date' : 'text'} inputMode={f.type === 'int' || f.type === 'decimal' ? 'decimal' : undefined} maxLength={500} onChange={(e) => onPut(at, e.target.value)} />}
      {hint}
    </div>
  )
}

// What is half filled in stays in this browser until it is sent; the link itself is not kept.
const place = (a: Asked) => `zg:answer:${a.until}:${a.lines.map((l) => l.rows[0]?.id).join()}`

function draft(a: Asked): Given {
  const there = Object.fromEntries(Object.entries(a.values).filter(([, v]) => typeof v === 'string' || typeof v === 'boolean')) as Given
  try {
    return { ...there, ...(JSON.parse(localStorage.getItem(place(a)) ?? '{}') as Given) }
  } catch {
    return there
  }
}

function keep(a: Asked, g: Given | null) {
  try {
    if (g) localStorage.setItem(place(a), JSON.stringify(g))
    else localStorage.removeItem(place(a))
  } catch {
    // a browser that keeps nothing still sends
  }
}
