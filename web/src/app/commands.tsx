// One box for things and acts.
import { useDeferredValue, useEffect, useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { keepPreviousData } from '@tanstack/react-query'
import { Modal } from 'antd'
import { useForms, useGet } from '../api/query'
import type { SearchResult } from '../api/types'
import { useWords } from './i18n'
import { composing } from './keys'
import { hitsOf, Marked, type Hit } from './hits'

const SCAN = 'scan'

export default function Commands({ places, onScan, onClose }: { places: { to: string; label: string }[]; onScan: () => void; onClose: () => void }) {
  const { t, w } = useWords()
  const go = useNavigate()
  const [typed, setTyped] = useState('')
  const q = useDeferredValue(typed.trim())
  const [at, setAt] = useState(0)
  const box = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLUListElement>(null)
  const found = useGet<SearchResult>(q ? '/api/search' : null, { q }, { placeholderData: keepPreviousData, staleTime: 5000 })
  const forms = useForms()
  const acts: Hit[] = [
    ...places.map((p) => ({ key: p.to, to: p.to, title: p.label, group: t('search.places') })),
    { key: SCAN, to: '', title: t('scan.title'), group: t('search.acts') },
    ...(forms.data ?? []).filter((f) => f.can_create && f.group !== 'base').map((f) => ({ key: 'new' + f.key, to: `/register/${f.key}/new`, title: t('new_of', { what: w(f.label) }), group: t('search.acts') })),
  ].filter((x) => !q || x.title.toLowerCase().includes(q.toLowerCase()))
  const hits = q ? [...hitsOf(found.data, w), ...acts.slice(0, 8)] : acts
  useEffect(() => setAt(0), [q])
  useEffect(() => { list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' }) }, [at]) // newer browsers answer with a promise, which is no clean-up
  const open = (h?: Hit) => {
    if (!h) {
      if (q) go(`/search?q=${encodeURIComponent(q)}`)
    } else if (h.key === SCAN) onScan()
    else go(h.to)
    onClose()
  }
  let last = ''
  return (
    <Modal open onCancel={onClose} footer={null} closable={false} width={640} style={{ top: 56 }} className="commands" title={<span className="sr">{t('search.title')}</span>} afterOpenChange={(o) => o && box.current?.focus()}>
      <input
        ref={box}
        autoFocus
        className="command-input"
        role="combobox"
        aria-expanded
        aria-controls="command-list"
        aria-activedescendant={hits[at] ? `command-${at}` : undefined}
        aria-label={t('search.hint')}
        placeholder={t('search.hint')}
        value={typed}
        onChange={(e) => setTyped(e.target.value)}
        onKeyDown={(e) => {
          if (composing(e)) return
          if (e.key === 'ArrowDown') { e.preventDefault(); setAt((n) => Math.min(hits.length - 1, n + 1)) }
          if (e.key === 'ArrowUp') { e.preventDefault(); setAt((n) => Math.max(0, n - 1)) }
          if (e.key === 'Enter') { e.preventDefault(); open(hits[at]) }
        }}
      />
      <ul id="command-list" role="listbox" ref={list} className="command-list" aria-label={t('search.title')}>
        {hits.map((h, i) => {
          const head = h.group !== last ? h.group : ''
          last = h.group
          return (
            <li key={h.key} role="presentation">
              {head && <div className="group soft small">{head}</div>}
              <div id={`command-${i}`} role="option" aria-selected={i === at} onMouseMove={() => setAt(i)} onClick={() => open(h)}>
                <span><Marked text={h.title} q={q} /></span> {h.sub && <small className="soft">{h.sub}</small>}
              </div>
            </li>
          )
        })}
      </ul>
      {q && !hits.length && !found.isFetching && <p className="soft pad">{t('search.none', { q })}</p>}
    </Modal>
  )
}
