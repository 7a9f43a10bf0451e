// What may be filed here: first what begins something, then what is filed to a record there is, then the master data.
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { useForms } from '../api/query'
import { ClauseChip } from '../elements/clause'
import { Empty, Loading } from '../elements/parts'
import { useWords } from './i18n'
import { Dialog } from '../elements/dialog'

export default function NewMenu({ onClose }: { onClose: () => void }) {
  const { t, w } = useWords()
  const go = useNavigate()
  const forms = useForms()
  const [q, setQ] = useState('')
  const list = (forms.data ?? []).filter((f) => f.can_create && f.kept !== 'platform' && (!q || w(f.label).toLowerCase().includes(q.toLowerCase())))
  const groups = [
    { title: '', forms: list.filter((f) => f.group !== 'base' && !f.follows) },
    { title: t('new_follows'), forms: list.filter((f) => f.group !== 'base' && f.follows) },
    { title: t('new_base'), forms: list.filter((f) => f.group === 'base') },
  ].filter((g) => g.forms.length)
  const first = groups[0]?.forms[0]
  return (
    <Dialog open title={t('new_what')} onCancel={onClose} footer={null} width={640}>
      <input autoFocus className="command-input boxed" aria-label={t('filter')} placeholder={t('filter_name')} value={q} onChange={(e) => setQ(e.target.value)} onKeyDown={(e) => { if (e.key === 'Enter' && !e.nativeEvent.isComposing && first) { go(`/register/${first.key}/new`); onClose() } }} />
      {forms.isLoading ? <Loading rows={4} /> : !list.length ? <Empty>{t('new_none')}</Empty> : groups.map((g) => (
        <section key={g.title}>
          {g.title && <h3 className="soft small">{g.title}</h3>}
          <div className="tiles">
            {g.forms.map((f) => (
              <div className="tile" key={f.key}>
                <button type="button" onClick={() => { go(`/register/${f.key}/new`); onClose() }}>{w(f.label)}</button>
                <ClauseChip id={f.clause} />
              </div>
            ))}
          </div>
        </section>
      ))}
    </Dialog>
  )
}
