// The tabs over a list: the rulebook's views, one's own, those shared with the unit; and how one is kept.
import { EllipsisOutlined } from '@ant-design/icons'
import { Button, Checkbox, Dropdown, Input, Popover } from 'antd'
import { useQueries } from '@tanstack/react-query'
import { useState } from 'react'
import { call, get, post, problemOf } from '../../api/client'
import { queries, useGet } from '../../api/query'
import type { Count, Form, Problem, SavedView } from '../../api/types'
import { cel, fromParam, type Chip } from '../../app/filter'
import { useWords } from '../../app/i18n'
import { useMe } from '../../app/session'
import { Refused } from '../refusal'

const path = (form: string) => `/api/form/${form}/view`
const again = (form: string) => queries.invalidateQueries({ queryKey: [path(form)] })

export const useSavedViews = (form: string) => useGet<SavedView[]>(path(form), undefined, { staleTime: 60_000 })

/** What of the address is the view: everything but which tab it came from. */
export function viewQuery(p: URLSearchParams): string {
  const q = new URLSearchParams(p)
  q.delete('mine')
  q.delete('all')
  q.sort()
  return q.toString()
}

/** The address a saved view opens. */
export function viewAddress(v: SavedView): URLSearchParams {
  const p = new URLSearchParams(v.query)
  p.set('mine', v.id)
  return p
}

/** The view that opens the register: one's own before the unit's. */
export const opening = (list: SavedView[]) => list.find((v) => v.default)

/** How many each tab holds: the rulebook's views in one question, the saved ones each in its own. */
function useCounts(f: Form, saved: SavedView[]) {
  const path = `/api/form/${f.key}/count`
  const whole = useGet<Count>(path, { views: 1 }, { staleTime: 60_000 })
  const own = useQueries({
    queries: saved.map((v) => {
      const p = new URLSearchParams(v.query)
      const chips = p.getAll('f').map(fromParam).filter((c): c is Chip => !!c)
      const query = { view: p.get('view'), q: p.get('q'), filter: cel(chips, f.fields) }
      return { queryKey: [path, query], queryFn: ({ signal }: { signal: AbortSignal }) => get<Count>(path, query, signal), staleTime: 60_000 }
    }),
  })
  return (id: string): Count | undefined => (id === '' ? whole.data : (whole.data?.views?.[id] ?? own[saved.findIndex((v) => v.id === id)]?.data))
}

interface Tabs {
  form: Form
  saved: SavedView[]
  params: URLSearchParams
  open: (p: URLSearchParams | Record<string, string>) => void
}

export function ViewTabs({ form: f, saved, params, open }: Tabs) {
  const { t, w } = useWords()
  const view = params.get('view')
  const mine = saved.find((v) => v.id === params.get('mine'))
  const [naming, setNaming] = useState<SavedView | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const count = useCounts(f, saved)
  if (!f.views.length && !saved.length) return null
  const tab = (key: string, on: boolean, label: string, go: () => void, shared?: string) => (
    <button key={key} type="button" role="tab" aria-selected={on} className={on ? 'on' : ''} title={shared} onClick={go}>
      {label}<Number of={count(key)} />{shared && <span className="tag small" aria-hidden="true">{t('list.shared')}</span>}
    </button>
  )
  const change = async (v: SavedView, body: Record<string, unknown> | null) => {
    setProblem(null)
    try {
      await call(body ? 'PATCH' : 'DELETE', `${path(f.key)}/${v.id}`, { body: body ?? undefined })
      if (!body) open({ all: '1' })
      await again(f.key)
    } catch (e) {
      setProblem(problemOf(e))
    }
  }
  return (
    <>
      <div className="tabs">
        <div className="tab-list" role="tablist" aria-label={t('list.views')}>
          {tab('', !view && !mine, t('all'), () => open(opening(saved) ? { all: '1' } : {}))}
          {f.views.map((v) => tab(v.id, !mine && view === v.id, w(v.label), () => open({ view: v.id })))}
          {saved.map((v) => tab(v.id, mine?.id === v.id, v.name, () => open(viewAddress(v)), v.unit ? t('list.shared_with', { unit: v.unit.name ?? '' }) : undefined))}
        </div>
        {mine?.may_edit && <Keep view={mine} params={params} onChange={(body) => void change(mine, body)} onRename={() => setNaming(mine)} />}
      </div>
      {problem && <Refused problem={problem}><Button onClick={() => setProblem(null)}>{t('close')}</Button></Refused>}
      {naming && (
        <form className="row-actions" onSubmit={(e) => { e.preventDefault(); const n = naming.name.trim(); if (n) { setNaming(null); void change(naming, { name: n }) } }}>
          <Input autoFocus maxLength={20} className="find" aria-label={t('list.view_name')} value={naming.name} onChange={(e) => setNaming({ ...naming, name: e.target.value })} onKeyDown={(e) => e.key === 'Escape' && setNaming(null)} />
          <Button htmlType="submit">{t('list.rename')}</Button>
          <button type="button" className="link" onClick={() => setNaming(null)}>{t('cancel')}</button>
        </form>
      )}
    </>
  )
}

function Number({ of }: { of?: Count }) {
  return of ? <small className="n">{of.total}{of.more_than ? '+' : ''}</small> : null
}

/** What its keeper may do with the open view. */
function Keep({ view: v, params, onChange, onRename }: { view: SavedView; params: URLSearchParams; onChange: (body: Record<string, unknown> | null) => void; onRename: () => void }) {
  const { t } = useWords()
  const me = useMe()
  const now = viewQuery(params)
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: [
          ...(now !== viewQuery(new URLSearchParams(v.query)) ? [{ key: 'now', label: t('list.view_update'), onClick: () => onChange({ query: now }) }] : []),
          { key: 'name', label: t('list.rename'), onClick: onRename },
          { key: 'first', label: v.default ? t('list.view_last') : t('list.view_first'), onClick: () => onChange({ default: !v.default }) },
          ...(v.unit ? [{ key: 'alone', label: t('list.unshare'), onClick: () => onChange({ unit: '' }) }] : (me.heads ?? []).map((u) => ({ key: u.id, label: t('list.share_with', { unit: u.name ?? '' }), onClick: () => onChange({ unit: u.id }) }))),
          { type: 'divider' as const },
          { key: 'drop', label: t('list.drop_view', { name: v.name }), onClick: () => onChange(null) },
        ],
      }}
    >
      <Button size="small" icon={<EllipsisOutlined />} aria-label={t('list.view_keep', { name: v.name })} />
    </Dropdown>
  )
}

/** Keep what the list shows now under a name. */
export function SaveView({ form: f, params, onSaved, onReset }: { form: Form; params: URLSearchParams; onSaved: (v: SavedView) => void; onReset: () => void }) {
  const { t } = useWords()
  const me = useMe()
  const [name, setName] = useState('')
  const [first, setFirst] = useState(false)
  const [unit, setUnit] = useState('')
  const [open, setOpen] = useState(false)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const save = async () => {
    if (!name.trim() || busy) return
    setBusy(true)
    setProblem(null)
    try {
      const v = await post<SavedView>(path(f.key), { name: name.trim(), query: viewQuery(params), default: first || undefined, unit: unit || undefined })
      await again(f.key)
      setOpen(false)
      setName('')
      onSaved(v)
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy(false)
  }
  return (
    <span className="save-view">
      <Popover open={open} onOpenChange={setOpen} trigger="click" content={
        <form className="save-form" onSubmit={(e) => { e.preventDefault(); void save() }}>
          {problem && <Refused problem={problem} />}
          <Input autoFocus maxLength={20} aria-label={t('list.view_name')} placeholder={t('list.view_name')} value={name} onChange={(e) => setName(e.target.value)} />
          <Checkbox checked={first} onChange={(e) => setFirst(e.target.checked)}>{t('list.view_first')}</Checkbox>
          {(me.heads ?? []).map((u) => <Checkbox key={u.id} checked={unit === u.id} onChange={(e) => setUnit(e.target.checked ? u.id : '')}>{t('list.share_with', { unit: u.name ?? '' })}</Checkbox>)}
          <Button type="primary" htmlType="submit" loading={busy}>{t('save')}</Button>
        </form>
      }>
        <button type="button" className="link">{t('list.save_view')}</button>
      </Popover>
      <button type="button" className="link" onClick={onReset}>{t('list.reset')}</button>
    </span>
  )
}
