// New records begun and not filed, as tabs above the form: the second call comes while the first is still being written down.
import { CloseOutlined, PlusOutlined } from '@ant-design/icons'
import { Button, Dropdown } from 'antd'
import { lazy, Suspense, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { useForms } from '../api/query'
import { useWords } from '../app/i18n'
import { remember } from '../app/device'
import { useMe } from '../app/session'
import { clockTime } from '../app/time'
import { draftKey, freeSlot, newPath, PARKED, slotOf, useParked, type Kept } from './draft'

const NewMenu = lazy(() => import('../app/new'))

/** What tells one from another: the first thing that was typed or chosen. */
function about(d: Kept, w: (x: unknown) => string): string {
  for (const [k, v] of Object.entries(d.values)) {
    if (JSON.stringify(v) === JSON.stringify(d.usual?.[k])) continue // stands there by itself
    const s = v && typeof v === 'object' && !Array.isArray(v) ? w((v as { label?: unknown }).label) : typeof v === 'string' && !/^\d{4}-\d\d-\d\d/.test(v) ? v : ''
    if (s.trim()) return s.trim().length > 14 ? s.trim().slice(0, 14) + '…' : s.trim()
  }
  return ''
}

/** form and slot say which one lies open; onDrop empties it. */
export function Parked({ form, slot, onDrop }: { form: string; slot: number; onDrop: () => void }) {
  const { t, w } = useWords()
  const me = useMe()
  const go = useNavigate()
  const forms = useForms()
  const list = useParked(me.person.account)
  const [full, setFull] = useState(false)
  const [choosing, setChoosing] = useState(false)
  const name = (key: string) => w(forms.data?.find((f) => f.key === key)?.label) || t('record')
  const open = (d: Kept) => d.form === form && slotOf(d.id) === slot
  const here = list.some(open)
  if (!list.length) return null
  const begin = (f: () => void) => (list.length >= PARKED ? setFull(true) : f())
  return (
    <>
      <nav className="parked" aria-label={t('tabs.label')}>
        <ul>
          {list.map((d) => {
            const title = [name(d.form), about(d, w)].filter(Boolean).join(' ')
            return (
              <li key={d.form + d.id} className={open(d) ? 'on' : ''}>
                <Link to={newPath(d.form, slotOf(d.id))} aria-current={open(d) ? 'page' : undefined}><b>{name(d.form)}</b> {about(d, w)}<small>{open(d) ? t('tabs.now') : t('draft.saved', { at: clockTime(d.at) })}</small></Link>
                <button type="button" aria-label={t('tabs.drop', { what: title })} title={t('tabs.drop', { what: title })} onClick={() => { setFull(false); if (open(d)) onDrop(); else remember(draftKey(me.person.account, d.form, d.id, 'create'), null) }}><CloseOutlined aria-hidden /></button>
              </li>
            )
          })}
          {!here && list.length < PARKED && <li className="on"><Link to={newPath(form, slot)} aria-current="page"><b>{name(form)}</b><small>{t('tabs.empty')}</small></Link></li>}
        </ul>
        {here && (
          <Dropdown
            trigger={['click']}
            menu={{ items: [
              { key: 'same', label: t('tabs.same', { what: name(form) }), onClick: () => begin(() => void go(newPath(form, freeSlot(me.person.account, form)))) },
              { key: 'other', label: t('tabs.other'), onClick: () => begin(() => setChoosing(true)) },
            ] }}
          >
            <Button icon={<PlusOutlined />}>{t('tabs.another')}</Button>
          </Dropdown>
        )}
      </nav>
      {(full || (!here && list.length >= PARKED)) && <div className="refusal" role="alert"><h3>{t('tabs.full')}</h3><p>{t('tabs.full_text')}</p></div>}
      {choosing && <Suspense fallback={null}><NewMenu onClose={() => setChoosing(false)} /></Suspense>}
    </>
  )
}
