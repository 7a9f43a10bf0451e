// The control room: every running clock by stage and unit, late first.
import { Input, Select } from 'antd'
import { Link, useSearchParams } from 'react-router'
import { keepPreviousData } from '@tanstack/react-query'
import { useGet } from '../api/query'
import type { Clock, Page, Text } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { clockTime, parse } from '../app/time'
import { ClauseChip } from '../elements/clause'
import { Deadline } from '../elements/deadline'
import { Card, Empty, Failed, Loading } from '../elements/parts'
import { toParam } from '../app/filter'

export interface BoardData {
  now: string
  by_stage: { form: string; form_label: Text; state: string; label: Text; open: number; late: number }[]
  by_unit: { unit: { id: string; name: string }; open: number; late: number; warning: number }[]
  clocks: (Clock & { unit?: { name: string }; state_label?: Text })[]
}

export default function Board() {
  const { t, w } = useWords()
  const now = useNow()
  const [params, setParams] = useSearchParams()
  const unit = params.get('unit') ?? ''
  const state = params.get('state') ?? ''
  const form = params.get('form') ?? ''
  const q = useGet<BoardData>('/api/board', undefined, { refetchInterval: 60_000 })
  const clocks = useGet<Page<Clock & { unit?: { name: string } }>>('/api/clock', { unit, state: state || undefined, form, q: params.get('q') ?? '', limit: 100 }, { refetchInterval: 60_000, placeholderData: keepPreviousData })
  useTitle(t('nav.board'))
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={8} />
  const put = (k: string, v: string) => { const p = new URLSearchParams(params); if (v) p.set(k, v); else p.delete(k); setParams(p, { replace: true }) }
  const forms = [...new Map(q.data.by_stage.map((s) => [s.form, s.form_label]))]
  const units = [...q.data.by_unit].sort((a, b) => b.late - a.late || b.open - a.open)
  const max = Math.max(1, ...units.map((u) => u.open))
  return (
    <>
      <header className="page-head"><h1>{t('nav.board')} <small className="soft">{t('board.at', { at: clockTime(parse(q.data.now) ?? now) })}</small></h1><div className="acts"><Link to="/wall">{t('board.wall')}</Link></div></header>
      <div className="columns">
        <div>
          <Card title={t('board.clocks')} extra={
            <div className="filters">
              <Input allowClear aria-label={t('list.find')} placeholder={t('list.find')} defaultValue={params.get('q') ?? ''} onChange={(e) => put('q', e.target.value)} style={{ width: 160 }} />
              <Select aria-label={t('unit_of')} value={unit} style={{ minWidth: 140 }} options={[{ value: '', label: t('board.all_units') }, ...units.map((u) => ({ value: u.unit.id, label: u.unit.name }))]} onChange={(v) => put('unit', v)} />
              <Select aria-label={t('limit')} value={state} style={{ minWidth: 100 }} options={[{ value: '', label: t('all') }, { value: 'late', label: t('tasks.group.late') }, { value: 'open', label: t('board.running') }]} onChange={(v) => put('state', v)} />
            </div>
          }>
            {clocks.error ? <Failed error={clocks.error} again={clocks.refetch} /> : !clocks.data ? <Loading rows={8} /> : !clocks.data.rows.length ? <Empty>{t('board.none')}</Empty> : (
              <ul className="board-rows">
                {clocks.data.rows.map((c) => (
                  <li key={c.id}>
                    <Deadline due={c.due} from={c.from} state={c.state} warned={c.warned} working={c.working} pausedFor={c.paused_for} />
                    <div className="what"><b>{w(c.label) || t('limit')}</b> <ClauseChip id={c.clause} /><div className="soft">{c.form && c.record ? <Link to={`/record/${c.form}/${c.record}`}>{[c.number, c.title].filter(Boolean).join(' ')}</Link> : c.title}</div></div>
                    <div className="soft">{c.holder?.[0] ? [c.holder[0].unit && w(c.holder[0].unit), c.holder[0].name].filter(Boolean).join(' ') : ''}{(c.holder?.length ?? 0) > 1 ? t('path.others', { count: c.holder!.length - 1, total: c.holder!.length }) : ''}</div>
                  </li>
                ))}
              </ul>
            )}
          </Card>
        </div>
        <aside>
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
