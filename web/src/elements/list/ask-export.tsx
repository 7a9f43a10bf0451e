// An export that nobody may take alone: what for and until when, sent to whoever approves it.
import { DatePicker, Input } from 'antd'
import dayjs from 'dayjs'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { post, problemOf } from '../../api/client'
import type { Problem, Text } from '../../api/types'
import { serverNow } from '../../app/clock'
import { useWords } from '../../app/i18n'
import { dataTime } from '../../app/time'
import { useMe } from '../../app/session'
import { Dialog } from '../dialog'
import { blank, draftKey, useDraft } from '../draft'
import { Refused } from '../refusal'

const MOST = 30 // days an approval may last

export function AskExport({ form, asked, why, onClose }: { form: string; asked: Record<string, unknown>; why?: Text; onClose: () => void }) {
  const { t, w } = useWords()
  const go = useNavigate()
  const today = dayjs(dataTime(serverNow())).startOf('day')
  // closed by mistake, it comes back with what was typed
  const { draft, change, drop } = useDraft(draftKey(useMe().person.account, form, 'list', 'export'), blank)
  const purpose = String(draft.values.purpose ?? '')
  const later = today.add(MOST, 'day')
  const kept = dayjs(String(draft.values.until ?? ''))
  const until = kept.isValid() && !kept.isBefore(today) && !kept.isAfter(later) ? kept : today.add(7, 'day')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const send = async () => {
    if (busy) return
    setBusy(true)
    setProblem(null)
    try {
      const out = await post<{ record: string }>(`/api/form/${form}/export/request`, { ...asked, purpose: purpose.trim(), until: until.format('YYYY-MM-DD') })
      drop()
      go(`/record/base.export_request/${out.record}`)
    } catch (e) {
      setProblem(problemOf(e))
      setBusy(false)
    }
  }
  return (
    <Dialog open title={t('ask_export')} okText={t('ask_export.send')} cancelText={t('cancel')} confirmLoading={busy} okButtonProps={{ disabled: !purpose.trim() }} onOk={() => void send()} onCancel={onClose}>
      {why && <p>{w(why)}</p>}
      <p className="soft">{t('ask_export.text')}</p>
      {problem && <Refused problem={problem} />}
      <div className="fill">
        <div className="item wide">
          <label htmlFor="ask-export-purpose">{t('ask_export.purpose')}</label>
          <Input.TextArea id="ask-export-purpose" autoSize={{ minRows: 2 }} maxLength={2000} value={purpose} onChange={(e) => change({ values: { ...draft.values, purpose: e.target.value } })} />
        </div>
        <div className="item">
          <label htmlFor="ask-export-until">{t('ask_export.until')}</label>
          <DatePicker id="ask-export-until" allowClear={false} value={until} minDate={today} maxDate={later} onChange={(d) => d && change({ values: { ...draft.values, until: d.format('YYYY-MM-DD') } })} />
        </div>
      </div>
    </Dialog>
  )
}
