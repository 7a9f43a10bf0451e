// The paper: the form's own grid, number, copy, opinions, foot. The preview is the page.
import { Button, Checkbox } from 'antd'
import encodeQR from 'qr'
import { useEffect, useMemo, useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import { call, newKey } from '../api/client'
import { recordPath, refresh, useForm, useGet } from '../api/query'
import type { Form, Text } from '../api/types'
import { copyName } from '../app/copies'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { recordAddress } from '../app/codes'
import { useKeys } from '../app/keys'
import { dataTime, parse } from '../app/time'
import { Failed, Loading } from '../elements/parts'
import { SectionChart } from '../elements/section-chart'
import { plain } from '../fields/plain'
import '../elements/paper.css'

interface Sheet {
  layout: string
  title: Text
  company?: string
  number?: string
  stamp?: Text
  cells: { field?: string; label: Text; value: unknown; span?: number }[]
  opinions: { label: Text; text: Text; by?: string; at?: string }[]
  lines: { label: Text; head?: Text[]; rows: unknown[][] }[]
  foot: { by: string; at: string; n: number; version: Text; check: string }
}

export default function Print() {
  const { key = '', id = '' } = useParams()
  const { t } = useWords()
  const go = useNavigate()
  const form = useForm(key, id)
  const [chosen, setChosen] = useState<string[]>([''])
  const [printed, setPrinted] = useState<Record<string, Sheet>>({})
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<unknown>(null)
  // Each paper is counted by the server first; only then the browser prints what it answered.
  const print = async () => {
    if (busy) return
    setBusy(true)
    setWrong(null)
    try {
      const all: Record<string, Sheet> = {}
      for (const c of chosen) all[c] = await call<Sheet>('POST', `${recordPath(key, id)}/print${c ? `?copy=${encodeURIComponent(c)}` : ''}`, { key: newKey() })
      setPrinted(all)
      setTimeout(() => { window.print(); setPrinted({}); refresh(key, id) }, 50)
    } catch (e) {
      setWrong(e)
    } finally {
      setBusy(false)
    }
  }
  useKeys({ Escape: () => go(`/record/${key}/${id}`), p: () => void print() })
  const copies = form.data?.copies ?? []
  return (
    <div className="print-page">
      <div className="no-print print-bar">
        <Button onClick={() => go(`/record/${key}/${id}`)}>{t('back')}</Button>
        {copies.length > 0 && (
          <Checkbox.Group value={chosen} onChange={(v) => setChosen(v.length ? (v as string[]) : [''])} options={[{ value: '', label: t('print.whole') }, ...copies.map((c, i) => ({ value: c.mark, label: copyName(copies, i) }))]} />
        )}
        <span className="grow" />
        <span className="soft small">{t('print.recorded')}</span>
        <Button type="primary" loading={busy} onClick={() => void print()}>{t('print')}</Button>
      </div>
      {!!wrong && <div className="no-print"><Failed error={wrong} /></div>}
      {form.error ? <Failed error={form.error} /> : !form.data ? <Loading rows={8} /> : chosen.map((c) => <Paper key={c} form={form.data!} id={id} copy={c} printed={printed[c]} />)}
    </div>
  )
}

/** Two cells a line; one that would stand alone before a wide one takes the line. */
function laid(cells: Sheet['cells']) {
  const out = cells.map((c) => ({ ...c, wide: (c.span ?? 1) > 1 }))
  let column = 0
  out.forEach((c, i) => {
    if (c.wide) {
      if (column === 1) out[i - 1].wide = true
      column = 0
    } else column = 1 - column
  })
  if (column === 1) out[out.length - 1].wide = true
  return out
}

function Paper({ form, id, copy, printed }: { form: Form; id: string; copy: string; printed?: Sheet }) {
  const { t, w, lang } = useWords()
  const q = useGet<Sheet>(`${recordPath(form.key, id)}/print`, { copy: copy || undefined }, { staleTime: Infinity, refetchOnWindowFocus: false, refetchOnMount: false })
  useTitle(q.data ? `${q.data.number ?? ''} ${w(q.data.title)}` : '')
  useEffect(() => {
    document.body.classList.add('on-paper')
    return () => document.body.classList.remove('on-paper')
  }, [])
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={8} />
  const p = printed ?? q.data
  const many = p.lines.some((l) => (l.head?.length ?? 0) > 8)
  const place = form.copies.findIndex((c) => c.mark === copy)
  const to = form.copies[place]
  const words = (v: unknown) => { const s = plain(v, lang); return s === '—' ? '' : s }
  const at = parse(p.foot.at)
  return (
    <article className={`paper ${p.layout} ${many ? 'landscape' : ''} ${printed ? '' : 'preview'}`} data-preview={t('print.preview')}>
      <header>
        <div className="company">{p.company}</div>
        <h1>{w(p.title)}</h1>
        <div className="line">
          <span>{t('number')}{lang === 'zh' ? '：' : ': '}{p.number || t('list.unnumbered')}</span>
          {w(p.stamp) && <span className="paper-stamp">{w(p.stamp)}</span>}
          <span>{to ? `${copyName(form.copies, place)} ${w(to.to)}` : ''}{p.foot.n > 1 ? ` ${t('print.again')}` : ''}</span>
        </div>
      </header>
      <div className="cells">
        {laid(p.cells).map((c, i) => (
          <div key={i} className={c.wide ? 'wide' : ''}>
            <span className="l">{w(c.label)}</span>
            <span className="v">{words(c.value)}</span>
          </div>
        ))}
      </div>
      {form.sections.map((s) => <SectionChart key={s.id} form={form} section={s.id} of={(id) => words(p.cells.find((c) => c.field === id)?.value)} />)}
      {p.lines.filter((l) => l.rows.length).map((l, i) => (
        <table key={i}>
          <caption>{w(l.label)}</caption>
          {l.head && <thead><tr>{l.head.map((h, k) => <th key={k}>{w(h)}</th>)}</tr></thead>}
          <tbody>{l.rows.map((r, k) => <tr key={k}>{r.map((c, n) => <td key={n} className={/^[¥\d.,%: -]+$/.test(String(c)) ? 'nowrap' : ''}>{words(c)}</td>)}</tr>)}</tbody>
        </table>
      ))}
      {p.opinions.map((o, i) => (
        <div className="opinion" key={i}>
          <span className="l">{w(o.label)}</span>
          <span className="v">{w(o.text)}<em>{[o.by, o.at && parse(o.at) !== null ? dataTime(parse(o.at)!) : o.at].filter(Boolean).join(' ')}</em></span>
        </div>
      ))}
      <div className="seal-place">{t('print.seal')}</div>
      <footer>
        <span>{printed ? t('print.foot', { by: p.foot.by, at: at === null ? '' : dataTime(at), n: p.foot.n }) : t('print.foot_preview', { n: p.foot.n })}</span>
        <span>{w(p.foot.version)}</span>
        <span>{t('print.check', { code: p.foot.check })}</span>
        <Qr text={location.origin + recordAddress(form.key, id, p.foot.check)} label={t('scan.qr')} />
      </footer>
    </article>
  )
}

/** The way back from the paper to its record, black on white for a printer's coarsest mode. */
function Qr({ text, label }: { text: string; label: string }) {
  const rows = useMemo(() => encodeQR(text, 'raw', { border: 4, ecc: 'medium' }), [text])
  const d = rows.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join('')
  return <svg className="qr" role="img" aria-label={label} viewBox={`0 0 ${rows.length} ${rows.length}`} shapeRendering="crispEdges"><rect width={rows.length} height={rows.length} fill="#fff" /><path d={d} fill="#000" /></svg>
}
