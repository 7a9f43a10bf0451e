// The process of a form as a graph: states, the actions between them, where a record stands and the way it took.
// One list of states with their ways; on a wide screen it is laid out as a graph, on a phone and for the ear it is read as it is.
import { useEffect, useMemo, useRef, useState } from 'react'
import { useNow } from '../../app/clock'
import { useLarge, usePhone } from '../../app/device'
import { useWords } from '../../app/i18n'
import { absolute, parse } from '../../app/time'
import { useGet } from '../../api/query'
import type { Flow, FlowState, FlowWay } from '../../api/types'
import { ClauseChip } from '../clause'
import { Failed, Loading, Side } from '../parts'
import { boxOf, curve, layout, wide } from './layout'
import './flow.css'

const MANY = 5 // a way that starts in so many places is said once, below

export default function FlowPanel({ form, record, label, onClose }: { form: string; record?: string; label: string; onClose: () => void }) {
  const { t } = useWords()
  const phone = usePhone()
  const q = useGet<Flow>(`/api/form/${form}/flow`, { record })
  const [graph, setGraph] = useState(true)
  const drawn = graph && !phone
  return (
    <Side title={t('flow.title', { what: label })} onClose={onClose} width={drawn ? Math.min(innerWidth - 64, (q.data?.states.length ?? 9) > 8 ? 1120 : 720) : 520}>
      {q.error ? <Failed error={q.error} again={q.refetch} /> : !q.data ? <Loading rows={8} tall /> : (
        <>
          {!phone && (
            <div className="seg flow-as" role="group" aria-label={t('flow.as')}>
              {[true, false].map((g) => <button key={String(g)} type="button" aria-pressed={graph === g} className={graph === g ? 'on' : ''} onClick={() => setGraph(g)}>{t(g ? 'flow.graph' : 'flow.list')}</button>)}
            </div>
          )}
          <Drawn flow={q.data} graph={drawn} />
        </>
      )}
    </Side>
  )
}

interface Joined { from: string; to: string; w: number; h: number; actions: FlowWay[]; taken: boolean }

/** Ways between the same two states share one line. */
function joined(ways: FlowWay[], took: Set<string>, words: (x: FlowWay) => string, font: number): Joined[] {
  const by = new Map<string, Joined>()
  for (const x of ways) {
    for (const from of x.from) {
      const key = `${from}>${x.to}`
      const box = boxOf((took.has(key) ? '✓ ' : '') + words(x), font * 1.06, 156, 6)
      const one = by.get(key) ?? { from, to: x.to, w: 0, h: 4, actions: [], taken: took.has(key) }
      one.actions.push(x)
      one.w = Math.max(one.w, box.w, x.clause ? wide('§ ' + x.clause, font * 1.1) + 28 : 0)
      one.h += box.h + (x.clause ? 28 : 2)
      by.set(key, one)
    }
  }
  return [...by.values()]
}

function Drawn({ flow: f, graph }: { flow: Flow; graph: boolean }) {
  const { t, w, lang } = useWords()
  const now = useNow()
  const [large] = useLarge()
  const [ends, setEnds] = useState(false)
  const here = useRef<HTMLDivElement>(null)
  const font = large ? 17 : 13
  const known = f.states.some((s) => s.status)
  const aside = f.states.filter((s) => s.final && !s.path && s.status !== 'done')
  const day = (s: FlowState) => { const x = parse(s.since); return x === null ? '' : absolute(x, now, lang) }
  const says = (s: FlowState) => (s.status === 'current' ? t('flow.here', { at: day(s) }) : s.status === 'done' ? t('flow.was', { at: day(s) }) : '')
  const { g, states, ways, wider } = useMemo(() => {
    const states = f.states.filter((s) => ends || !aside.includes(s))
    const took = new Set(f.took.map((x) => `${x.from}>${x.to}`))
    const plain = (x: FlowWay) => w(x.label) + (x.clock ? t('flow.clock') : '')
    const shown = f.ways.filter((x) => states.some((s) => s.id === x.to))
    const wider = shown.filter((x) => x.any || x.from.length >= MANY)
    const narrow = shown.filter((x) => !wider.includes(x))
    // of a way said once below, what the record really went is drawn all the same
    const went = wider.flatMap((x) => f.took.filter((s) => s.to === x.to && !narrow.some((y) => y.to === s.to && y.from.includes(s.from))).map((s) => ({ ...x, any: false, from: [s.from] })))
    const ways = joined([...narrow, ...went], took, plain, font)
    const size = (id: string) => {
      const s = f.states.find((x) => x.id === id)!
      const box = boxOf((s.status === 'ahead' ? '' : '✓ ') + w(s.label), font * 1.14, 160, 14)
      const note = says(s)
      return { w: Math.max(box.w, note ? wide(note, font - 1) + 32 : 0, 96), h: box.h + 16 + (note ? font * 1.5 : 0) }
    }
    return { g: layout(states.map((s) => s.id), size, ways), states, ways, wider }
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [f, ends, font, lang])
  useEffect(() => { if (graph) here.current?.scrollIntoView({ block: 'center', inline: 'center' }) }, [graph])
  const spot = (p?: { x: number; y: number; w: number; h: number }) => (graph && p ? { left: p.x, top: p.y, width: p.w, height: p.h } : undefined)
  return (
    <>
      {known && <p className="soft small flow-key"><span className="mark met">✓ {t('flow.key_was')}</span> <span className="flow-now">● {t('flow.key_here')}</span> {graph && <span>┄ {t('flow.key_back')}</span>}</p>}
      <div className={graph ? 'flow-box' : ''} tabIndex={graph ? 0 : undefined} role={graph ? 'region' : undefined} aria-label={graph ? t('flow.as') : undefined}>
        <ol className={graph ? 'flow graph' : 'flow'} style={graph ? { width: g.width, height: g.height } : undefined}>
          {graph && (
            <li role="presentation" aria-hidden="true">
              <svg width={g.width} height={g.height}>
                <defs>
                  {['', '-taken'].map((k) => <marker key={k} id={`flow-tip${k}`} className={`tip${k}`} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8Z" /></marker>)}
                </defs>
                {g.ways.map(({ way: x, line }) => <path key={x.from + x.to} className={`${x.taken ? 'taken' : ''} ${line[0].y > line[line.length - 1].y ? 'back' : ''}`} d={curve(line)} markerEnd={`url(#flow-tip${x.taken ? '-taken' : ''})`} />)}
              </svg>
            </li>
          )}
          {states.map((s) => (
            <li key={s.id}>
              <div ref={s.status === 'current' ? here : undefined} className={`flow-state ${s.status ?? ''} ${s.final ? 'final' : ''}`} style={spot(g.states.get(s.id))} aria-current={s.status === 'current' ? 'step' : undefined}>
                <b>{s.status === 'done' ? '✓ ' : s.status === 'current' ? '● ' : ''}{w(s.label)}</b>
                {says(s) && <small>{says(s)}</small>}
              </div>
              <ul>
                {ways.filter((x) => x.from === s.id).map((x) => {
                  const p = g.ways.find((y) => y.way === x)?.label
                  const to = w(f.states.find((y) => y.id === x.to)?.label)
                  return (
                    <li key={x.to} className={`flow-way ${x.taken ? 'taken' : ''}`} style={spot(p)}>
                      {x.actions.map((a) => <span key={a.action}><span>{x.taken && x.actions.length === 1 ? '✓ ' : ''}{w(a.label)}{a.clock ? t('flow.clock') : ''}</span> <ClauseChip id={a.clause} /></span>)}
                      <span className={graph ? 'sr' : 'soft'}>{t('flow.to', { state: to })}</span>
                    </li>
                  )
                })}
              </ul>
            </li>
          ))}
        </ol>
      </div>
      {wider.length > 0 && (
        <>
          <h3>{t('flow.wide')}</h3>
          <ul className="rows">
            {wider.map((x) => (
              <li key={x.action}>
                {w(x.label)}{x.clock ? t('flow.clock') : ''} <ClauseChip id={x.clause} /> <span className="soft">{t('flow.to', { state: w(f.states.find((s) => s.id === x.to)?.label) })}{!x.any && t('flow.from', { states: x.from.map((id) => w(f.states.find((s) => s.id === id)?.label)).join(lang === 'zh' ? '、' : ', ') })}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      {aside.length > 0 && <p><button type="button" className="link" aria-expanded={ends} onClick={() => setEnds(!ends)}>{ends ? t('flow.ends_fold') : t('flow.ends', { count: aside.length, what: aside.map((s) => w(s.label)).join(lang === 'zh' ? '、' : ', ') })}</button></p>}
    </>
  )
}
