// The control room: every running clock by stage and unit, late first.
import { Button, Input, Select } from 'antd'
import { useState } from 'react'
import { Link, useNavigate, useSearchParams } from 'react-router'
import { keepPreviousData } from '@tanstack/react-query'
import { post, problemOf } from '../api/client'
import { useGet } from '../api/query'
import type { Clock, Page, Text } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { useKeys } from '../app/keys'
import { useMe } from '../app/session'
import { absolute, clockTime, parse } from '../app/time'
import { ClauseChip } from '../elements/clause'
import { Deadline } from '../elements/deadline'
import { Card, Empty, Failed, Loading } from '../elements/parts'
import { WallLinks } from '../elements/wall-links'
import { toParam } from '../app/filter'

export interface BoardData {
  now: string
  by_stage: { form: string; form_label: Text; state: string; label: Text; open: number; late: number }[]
  by_unit: { unit: { id: string; name: string }; open: number; late: number; warning: number }[]
  by_holder: { person: { id: string; name: string }; open: number; late: number }[]
  today: number
  forecast: Record<string, string>
  clocks: (Clock & { unit?: { name: string }; state_label?: Text })[]
}

export default function Board() {
  const { t, w, lang } = useWords()
  const me = useMe()
  const now = useNow()
  const [params, setParams] = useSearchParams()
  const unit = params.get('unit') ?? ''
  const state = params.get('state') ?? ''
  const form = params.get('form') ?? ''
  const q = useGet<BoardData>('/api/board', undefined, { refetchInterval: 60_000 })
  const clocks = useGet<Page<Clock & { unit?: { name: string } }>>('/api/clock', { unit, state: state === 'soon' ? 'open' : state || undefined, form, q: params.get('q') ?? '', limit: 100 }, { refetchInterval: 60_000, placeholderData: keepPreviousData })
  useTitle(t('nav.board'))
  const [at, setAt] = useState(0)
  const [told, setTold] = useState<Record<string, string>>({})
  const go = useNavigate()
  const forecast = q.data?.forecast ?? {}
  const rows = (clocks.data?.rows ?? []).filter((c) => state !== 'soon' || forecast[c.id])
  const move = (by: number) => {
    const n = Math.max(0, Math.min(rows.length - 1, at + by))
    setAt(n)
    document.querySelector(`[data-clock="${rows[n]?.id}"]`)?.scrollIntoView({ block: 'nearest' })
  }
  const urge = async (c: Clock) => {
    try {
      const a = await post<{ told: { name: string }[] }>(`/api/clock/${c.id}/urge`)
      setTold((x) => ({ ...x, [c.id]: t('board.urged', { who: a.told.map((p) => p.name).join(lang === 'zh' ? '、' : ', ') }) }))
    } catch (e) {
      setTold((x) => ({ ...x, [c.id]: problemOf(e).title || t('try_again') }))
    }
  }
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    Enter: () => { const c = rows[at]; if (c?.form && c.record) void go(`/record/${c.form}/${c.record}`) },
    u: () => { if (rows[at]) void urge(rows[at]) },
  })
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={8} />
  const put = (k: string, v: string) => { const p = new URLSearchParams(params); if (v) p.set(k, v); else p.delete(k); setParams(p, { replace: true }) }
  const forms = [...new Map(q.data.by_stage.map((s) => [s.form, s.form_label]))]
  const holders = [...q.data.by_holder].sort((a, b) => b.late - a.late || b.open - a.open)
  const units = [...q.data.by_unit].sort((a, b) => b.late - a.late || b.open - a.open)
  const max = Math.max(1, ...units.map((u) => u.open))
  return (
    <>
      <header className="page-head"><h1>{t('nav.board')} <small className="soft">{t('board.at', { at: clockTime(parse(q.data.now) ?? now) })}</small> {q.data.today > 0 && <span className="late today">▲ {t('board.today', { count: q.data.today })}</span>}</h1><div className="acts">{me.rights.includes('settings') && <WallLinks />}<Link to="/wall">{t('board.wall')}</Link></div></header>
      <div className="columns">
        <div>
          <Card title={t('board.clocks')} extra={
            <div className="filters">
              <Input allowClear aria-label={t('list.find')} placeholder={t('list.find')} defaultValue={params.get('q') ?? ''} onChange={(e) => put('q', e.target.value)} style={{ width: 160 }} />
              <Select aria-label={t('unit_of')} value={unit} style={{ minWidth: 140 }} options={[{ value: '', label: t('board.all_units') }, ...units.map((u) => ({ value: u.unit.id, label: u.unit.name }))]} onChange={(v) => put('unit', v)} />
              <Select aria-label={t('limit')} value={state} style={{ minWidth: 100 }} options={[{ value: '', label: t('all') }, { value: 'late', label: t('tasks.group.late') }, { value: 'open', label: t('board.running') }, { value: 'soon', label: t('board.forecast') }]} onChange={(v) => put('state', v)} />
            </div>
          }>
            {clocks.error ? <Failed error={clocks.error} again={clocks.refetch} /> : !clocks.data ? <Loading rows={8} /> : !rows.length ? <Empty>{t('board.none')}</Empty> : (
              <ul className="board-rows">
                {rows.map((c, i) => (
                  <li key={c.id} className={i === at ? 'at' : ''} data-clock={c.id}>
                    <Deadline due={c.due} from={c.from} state={c.state} warned={c.warned} working={c.working} pausedFor={c.paused_for} />
                    <div className="what"><b>{w(c.label) || t('limit')}</b> <ClauseChip id={c.clause} /><div className="soft">{c.form && c.record ? <Link to={`/record/${c.form}/${c.record}`}>{[c.number, c.title].filter(Boolean).join(' ')}</Link> : c.title}</div></div>
                    <div className="who soft">
                      {c.holder?.[0] ? [c.holder[0].unit && w(c.holder[0].unit), c.holder[0].name].filter(Boolean).join(' ') : ''}{(c.holder?.length ?? 0) > 1 ? t('path.others', { count: c.holder!.length - 1, total: c.holder!.length }) : ''}{' '}
                      {c.state_label && <div>{w(c.state_label)}</div>}
                    </div>
                    <div className="soon-text">{forecast[c.id] && <><b>◆ {t('board.will_late')}</b><div className="soft" title={t('board.pace')}>{t('board.forecast_at', { at: absolute(parse(forecast[c.id])!, now, lang) })}</div></>}</div>
                    <div className="row-acts">
                      {told[c.id] ? <span className="soft" role="status">{told[c.id]}</span> : !!c.holder?.length && <Button size="small" onClick={() => void urge(c)}>{t('board.urge')}</Button>}
                      {c.assign && c.form && c.record && <Link className="button" to={`/record/${c.form}/${c.record}?act=${c.assign}`}>{t('board.assign')}</Link>}
                      {c.form && c.record && <Link className="button" to={`/record/${c.form}/${c.record}`}>{t('board.open')}</Link>}
                    </div>
                  </li>
                ))}
              </ul>
            )}
            <p className="soft small">{t('board.keys')}　◆ {t('board.forecast')}：{t('board.pace')}</p>
          </Card>
        </div>
        <aside>
          <Card title={t('board.holders')}>
            <ul className="rows">
              {holders.slice(0, 12).map((h) => <li key={h.person.id} className="rel"><span>{h.person.name}</span><span className="num">{t('board.open_n', { count: h.open })}{h.late > 0 && <b className="late"> {t('tasks.late', { count: h.late })}</b>}</span></li>)}
            </ul>
          </Card>
          <Card title={t('board.units')}>
            <ul className="rows">
              {units.map((u) => (
                <li key={u.unit.id}>
                  <button type="button" className="link" onClick={() => put('unit', unit === u.unit.id ? '' : u.unit.id)}>{u.unit.name}</button>
                  <span className="unit-n num">{t('board.open_n', { count: u.open })}{u.late > 0 && <b className="late"> {t('tasks.late', { count: u.late })}</b>}</span>
                  <span className="meter" aria-hidden="true"><i style={{ width: `${(u.open / max) * 100}%` }}><b style={{ width: `${u.open ? (u.late / u.open) * 100 : 0}%` }} /></i></span>
                </li>
              ))}
            </ul>
          </Card>
          {forms.map(([key, label]) => (
            <Card key={key} title={<Link to={`/register/${key}`}>{w(label)}</Link>}>
              <ul className="rows">
                {q.data!.by_stage.filter((s) => s.form === key).map((s) => (
                  <li key={s.state} className="rel"><Link to={`/register/${key}?f=${encodeURIComponent(toParam({ field: 'state', op: 'is', value: s.state }))}`}>{w(s.label)}</Link><span className="num">{s.open}{s.late > 0 && <b className="late"> {t('tasks.late', { count: s.late })}</b>}</span></li>
                ))}
              </ul>
            </Card>
          ))}
        </aside>
      </div>
    </>
  )
}
