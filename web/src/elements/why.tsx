// Why a deadline falls when it falls, why an act is closed, where a figure comes from.
import { useState } from 'react'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { absolute, parse } from '../app/time'
import { recordPath, useGet } from '../api/query'
import type { Field, Value, Why } from '../api/types'
import { masked, missing } from '../fields/kind'
import { ClauseChip } from './clause'
import { Failed, Loading, Side } from './parts'

export function WhyDrawer({ form, id, of, onClose }: { form: string; id: string; of: string; onClose: () => void }) {
  const { t, lang, w } = useWords()
  const now = useNow()
  const q = useGet<Why>(`${recordPath(form, id)}/why`, { of })
  return (
    <Side title={t('why')} onClose={onClose}>
      {q.error ? <Failed error={q.error} again={q.refetch} /> : !q.data ? <Loading rows={4} /> : (
        <>
          <p className="lead">{w(q.data.text)}</p>
          <ol className="why">
            {q.data.steps.map((s, i) => {
              const at = parse(s.at)
              const value = w(s.value)
              return (
                <li key={i}>
                  <span className="soft">{w(s.label)}</span>
                  <b>{at !== null && !/24:00$/.test(value) ? absolute(at, now, lang) : value || '—'}</b>
                  <ClauseChip id={s.clause} />
                </li>
              )
            })}
          </ol>
        </>
      )}
    </Side>
  )
}

/** Beside a choice that somebody decided, such as a grade: who, when, on what figures. Of a value that is masked nothing is told. */
export function WhyChoice({ form, id, field: f, value }: { form: string; id: string; field: Field; value: Value }) {
  const { t, w } = useWords()
  const [open, setOpen] = useState(false)
  if (f.type !== 'choice' || missing(value) || masked(value) !== null) return null
  return (
    <>
      {' '}<button type="button" className="link small" aria-label={w(f.label) + t('colon') + t('why')} onClick={() => setOpen(true)}>{t('why')}</button>
      {open && <WhyDrawer form={form} id={id} of={`field:${f.id}`} onClose={() => setOpen(false)} />}
    </>
  )
}
