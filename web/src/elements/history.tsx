// What happened, newest first: time, who, what in words, clause; a changed field shows old → new.
import { type ReactNode, useState } from 'react'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { dataTime, isoDate, parse } from '../app/time'
import { recordPath, useGet } from '../api/query'
import type { HistoryEntry } from '../api/types'
import { plain } from '../fields/plain'
import { ClauseChip } from './clause'
import { Card, Failed, Loading } from './parts'

const TABS = ['all', 'opinion', 'change', 'deadline'] as const

export function History({ form, id }: { form: string; id: string }) {
  const { t } = useWords()
  const q = useGet<HistoryEntry[]>(`${recordPath(form, id)}/history`)
  const [tab, setTab] = useState<(typeof TABS)[number]>('all')
  const [all, setAll] = useState(false)
  const pick = (q.data ?? []).filter((h) =>
    tab === 'all' ? true : tab === 'opinion' ? h.kind === 'opinion' || !!h.comment : tab === 'change' ? !!h.changes?.length : h.kind === 'deadline',
  )
  const shown = all ? pick : pick.slice(0, 12)
  return (
    <Card
      title={t('history')}
      extra={
        <div className="seg" role="tablist" aria-label={t('history')}>
          {TABS.map((x) => <button key={x} type="button" role="tab" aria-selected={tab === x} className={tab === x ? 'on' : ''} onClick={() => setTab(x)}>{t(`history.${x}`)}</button>)}
        </div>
      }
    >
      {q.error ? <Failed error={q.error} again={q.refetch} /> : !q.data ? <Loading rows={4} /> : !pick.length ? <p className="soft">{t(tab === 'all' ? 'history.empty' : 'history.none')}</p> : (
        <ol className="history">
          {shown.map((h) => (
            <Entry key={h.id} of={h} whole={tab === 'change'} onMore={() => setTab('change')} />
          ))}
        </ol>
      )}
      {pick.length > shown.length && <button type="button" className="link" onClick={() => setAll(true)}>{t('history.more', { count: pick.length - shown.length })}</button>}
    </Card>
  )
}

/** One entry in a line; what stands for its words, if they are not the entry's own, is given. */
export function Entry({ of: h, whole, onMore, children }: { of: HistoryEntry; whole?: boolean; onMore?: () => void; children?: ReactNode }) {
  const { t, w, lang } = useWords()
  const now = useNow()
  const time = (s: string) => { const x = parse(s); return x === null ? '' : isoDate(x).slice(0, 4) === isoDate(now).slice(0, 4) ? dataTime(x).slice(5) : dataTime(x) }
  return (
    <li className={h.kind}>
      <time className="soft small num" dateTime={h.at}>{time(h.at)}</time>
      <span className="who">{h.by ? [w(h.by.unit), h.by.name].filter(Boolean).join(' ') : t(h.by_link ? 'link.holder' : 'system')}</span>
      <div className="what">
        {children ?? <b>{h.kind === 'deadline' ? '' : w(h.label)}</b>}
        {!children && w(h.text) && w(h.text) !== w(h.label) && <span>{h.kind === 'deadline' || !w(h.label) ? '' : lang === 'zh' ? '：' : ': '}{w(h.text)}</span>}
        {h.comment && <span className="comment"> “{h.comment}”</span>}
        {h.proof && <span className="soft small"> {t('paren', { text: w(h.proof) })}</span>}
        {(h.changes ?? []).slice(0, whole ? 50 : 4).map((c, i) => (
          <div key={i} className="small change">
            <span className="soft">{w(c.label)}</span> {plain(c.old, lang) !== '—' && <><del>{plain(c.old, lang)}</del> → </>}<ins>{plain(c.new, lang)}</ins>
          </div>
        ))}
        {!whole && (h.changes?.length ?? 0) > 4 && (onMore
          ? <button type="button" className="link small" onClick={onMore}>{t('history.changes', { count: h.changes!.length - 4 })}</button>
          : <div className="soft small">{t('history.changes', { count: h.changes!.length - 4 })}</div>)}
      </div>
      <span className="law">{(h.clauses ?? []).slice(0, 2).map((c) => <ClauseChip key={c} id={c} />)}</span>
    </li>
  )
}
