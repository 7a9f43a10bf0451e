// For the administrator: which displays may show a wall, and no more.
import { Button, Drawer, Input, Select } from 'antd'
import { useState } from 'react'
import { call, post, problemOf } from '../api/client'
import { queries, useGet } from '../api/query'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { absolute, parse } from '../app/time'
import type { Page, Row } from '../api/types'
import { Empty, Loading } from './parts'

interface LinkRow { id: string; name: string; unit: string; at: string; last_at: string; token?: string }

export function WallLinks() {
  const { t } = useWords()
  const [open, setOpen] = useState(false)
  return (
    <>
      <Button onClick={() => setOpen(true)}>{t('wall.links')}</Button>
      <Drawer open={open} title={t('wall.links')} onClose={() => setOpen(false)} size={460} destroyOnHidden>{open && <Links />}</Drawer>
    </>
  )
}

function Links() {
  const { t, lang } = useWords()
  const now = useNow()
  const list = useGet<LinkRow[]>('/api/wall')
  const units = useGet<Page<Row>>('/api/form/base.unit/record', { limit: 200 })
  const [name, setName] = useState('')
  const [unit, setUnit] = useState<string>()
  const [made, setMade] = useState('')
  const [no, setNo] = useState('')
  const again = () => void queries.invalidateQueries({ queryKey: ['/api/wall'] })
  const attempt = async (f: () => Promise<void>) => {
    setNo('')
    try {
      await f()
    } catch (e) {
      setNo(problemOf(e).title)
    }
    again()
  }
  const make = () => attempt(async () => {
    const l = await post<LinkRow>('/api/wall', { name, unit: unit ?? '' })
    setMade(`${location.origin}/wall#${l.token}`)
    setName('')
  })
  return (
    <>
      <p className="soft">{t('wall.links_text')}</p>
      <div className="item"><label htmlFor="wall-name">{t('wall.link_name')}</label><Input id="wall-name" value={name} onChange={(e) => setName(e.target.value)} /></div>
      <div className="item"><label htmlFor="wall-unit">{t('penal.unit')}</label><Select id="wall-unit" showSearch={{ optionFilterProp: 'label' }} style={{ width: '100%' }} value={unit} onChange={setUnit} options={(units.data?.rows ?? []).map((u) => ({ value: u.id, label: u.title }))} /></div>
      <Button type="primary" onClick={() => void make()}>{t('wall.make')}</Button>
      {no && <p className="notice amber" role="alert">{no}</p>}
      {made && <div className="notice" role="status">{t('wall.copy_once')}<Input.TextArea readOnly autoSize aria-label={t('wall.links')} value={made} onFocus={(e) => e.target.select()} /></div>}
      {!list.data ? <Loading rows={2} /> : !list.data.length ? <Empty>{t('wall.no_links')}</Empty> : (
        <ul className="rows">
          {list.data.map((l) => {
            const used = parse(l.last_at)
            return <li key={l.id} className="rel"><span><b>{l.name}</b> {l.unit}<div className="soft small">{used === null ? t('wall.never') : t('wall.used', { at: absolute(used, now, lang) })}</div></span><Button size="small" danger onClick={() => void attempt(() => call('DELETE', `/api/wall/${l.id}`))}>{t('wall.revoke')}</Button></li>
          })}
        </ul>
      )}
    </>
  )
}
