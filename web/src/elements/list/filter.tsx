// What narrows a list: its conditions in words, a panel to add one, and the columns shown.
import { SettingOutlined } from '@ant-design/icons'
import { Button, Checkbox, Input, Popover } from 'antd'
import { useState } from 'react'
import type { Field, Form } from '../../api/types'
import { filterable, opsOf, type Chip } from '../../app/filter'
import { useWords } from '../../app/i18n'
import { money } from '../../app/money'
import { FieldInput, idOf } from '../../fields'
import { plain } from '../../fields/plain'
import { Side } from '../parts'

export type Named = Chip & { label?: string }

export function ChipWords({ chip: c, form: f }: { chip: Named; form: Form }) {
  const { t, w, lang } = useWords()
  const field = f.fields.find((x) => x.id === c.field)
  const label = c.field === 'state' ? t('stage') : w(field?.label)
  const value = c.field === 'state' ? w(f.states.find((s) => s.id === c.value)?.label) : c.label || w(field?.options?.find((o) => o.id === c.value)?.label) || (field?.type === 'money' ? money(c.value) : plain(c.value, lang))
  return <>{t(`op.${c.op}.chip`, { field: label, value })}</>
}

export function AddFilter({ form: f, onAdd, onClose }: { form: Form; onAdd: (c: Named) => void; onClose: () => void }) {
  const { t, w } = useWords()
  const [field, setField] = useState<string>('')
  const [op, setOp] = useState('')
  const [value, setValue] = useState<unknown>(null)
  const [q, setQ] = useState('')
  const states: Field = { id: 'state', label: t('stage'), type: 'choice', options: f.states.map((s) => ({ id: s.id, label: s.label })) }
  const fields = [...(f.states.length > 1 ? [states] : []), ...f.fields.filter(filterable)]
  const chosen = fields.find((x) => x.id === field)
  const ops = chosen ? (field === 'state' ? ['is', 'not'] : opsOf(chosen)) : []
  const bare = ['set', 'unset', 'yes', 'no'].includes(op)
  const done = () => {
    if (!chosen || !op || (!bare && !idOf(value))) return
    const v = value && typeof value === 'object' ? (value as { id?: string; label?: unknown }) : null
    onAdd({ field, op, value: bare ? '' : idOf(value), label: v ? w(v.label) : '' })
  }
  return (
    <Side title={t('filter')} onClose={onClose}>
      {!chosen ? (
        <>
          <Input autoFocus placeholder={t('filter_name')} aria-label={t('filter_name')} value={q} onChange={(e) => setQ(e.target.value)} />
          <ul className="pick">
            {fields.filter((x) => !q || w(x.label).includes(q)).map((x) => <li key={x.id}><button type="button" onClick={() => { setField(x.id); setOp(x.id === 'state' ? 'is' : opsOf(x)[0]) }}>{w(x.label)}</button></li>)}
          </ul>
        </>
      ) : (
        <form onSubmit={(e) => { e.preventDefault(); done() }}>
          <p><b id="filter-value-label">{w(chosen.label)}</b> <button type="button" className="link small" onClick={() => { setField(''); setValue(null) }}>{t('filter.other')}</button></p>
          <div className="chips" role="radiogroup" aria-label={t('filter.how')}>{ops.map((o) => <button key={o} type="button" role="radio" aria-checked={op === o} className={op === o ? 'on' : ''} onClick={() => setOp(o)}>{op === o ? '✓ ' : ''}{t(`op.${o}`)}</button>)}</div>
          {!bare && <div className="item" style={{ marginTop: 12 }}><FieldInput id="filter-value" form={f.key} field={chosen.type === 'datetime' ? { ...chosen, type: 'date' } : chosen.type === 'note' ? { ...chosen, type: 'text' } : chosen} value={value} onChange={setValue} autoFocus /></div>}
          <div className="row-actions"><Button type="primary" htmlType="submit">{t('filter.apply')}</Button></div>
        </form>
      )}
    </Side>
  )
}

export function Columns({ form: f, chosen, onChange, onReset }: { form: Form; chosen: string[]; onChange: (ids: string[]) => void; onReset: () => void }) {
  const { t, w } = useWords()
  return (
    <Popover trigger="click" placement="bottomRight" content={
      <div className="columns-panel">
        <button type="button" className="link small" onClick={onReset}>{t('list.columns_reset')}</button>
        {f.fields.filter((x) => !['file', 'files', 'secret'].includes(x.type)).map((x) => (
          <div key={x.id}><Checkbox checked={chosen.includes(x.id)} onChange={(e) => onChange(e.target.checked ? [...chosen, x.id] : chosen.filter((y) => y !== x.id))}>{w(x.label)}</Checkbox></div>
        ))}
      </div>
    }>
      <Button icon={<SettingOutlined />} aria-label={t('list.columns')}>{t('list.columns')}</Button>
    </Popover>
  )
}

