// What may be filed here: by regulation, each with its paper's name.
import { Modal } from 'antd'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useForms } from '../api/query'
import { ClauseChip } from '../elements/clause'
import { Empty, Loading } from '../elements/parts'
import { useWords } from './i18n'

export default function NewMenu({ onClose }: { onClose: () => void }) {
  const { t, w } = useWords()
  const go = useNavigate()
  const forms = useForms()
  const [q, setQ] = useState('')
  const list = (forms.data ?? []).filter((f) => f.can_create && f.kept !== 'platform' && (!q || w(f.label).toLowerCase().includes(q.toLowerCase())))
  const groups = [list.filter((f) => f.group !== 'base'), list.filter((f) => f.group === 'base')]
  return (
    <Modal open title={t('new_what')} onCancel={onClose} footer={null} width={640}>
      <input autoFocus className="command-input boxed" aria-label={t('filter')} placeholder={t('filter_name')} value={q} onChange={(e) => setQ(e.target.value)} onKeyDown={(e) => { if (e.key === 'Enter' && !e.nativeEvent.isComposing && list[0]) { go(`/register/${list[0].key}/new`); onClose() } }} />
      {forms.isLoading ? <Loading rows={4} /> : !list.length ? <Empty>{t('new_none')}</Empty> : groups.map((g, i) => !!g.length && (
        <div key={i} className="tiles">
          {g.map((f) => (
            <div className="tile" key={f.key}>
              <button type="button" onClick={() => { go(`/register/${f.key}/new`); onClose() }}>{w(f.label)}</button>
              <ClauseChip id={f.clause} />
            </div>
          ))}
        </div>
      ))}
    </Modal>
  )
}
