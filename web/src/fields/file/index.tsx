import { PaperClipOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useEffect, useRef, useState } from 'react'
import { useWords } from '../../app/i18n'
import { call, problemOf } from '../../api/client'
import { underWay } from '../../app/uploads'
import type { FileValue, Problem } from '../../api/types'
import type { InputProps, Kind, ViewProps } from '../kind'
import { Refused } from '../../elements/refusal'

const size = (n: number) => (n >= 1 << 20 ? `${(n / (1 << 20)).toFixed(1)} MB` : `${Math.max(1, Math.round(n / 1024))} KB`)
const list = (v: unknown): FileValue[] => (Array.isArray(v) ? v : v ? [v] : []) as FileValue[]

function FileInput({ field, value, onChange, id, describedBy }: InputProps) {
  const { t } = useWords()
  const many = field.type !== 'file'
  const input = useRef<HTMLInputElement>(null)
  const [busy, setBusy] = useState<string[]>([])
  const [problem, setProblem] = useState<Problem | null>(null)
  const have = list(value)
  const there = useRef(have) // as it stands when a file has arrived: others came and went meanwhile
  useEffect(() => {
    there.current = list(value)
  }, [value])
  const add = async (files: FileList | File[]) => {
    setProblem(null)
    const chosen = Array.from(files).slice(0, many ? undefined : 1)
    setBusy((b) => [...b, ...chosen.map((f) => f.name)])
    for (const f of chosen) {
      const body = new FormData()
      body.append('file', f)
      try {
        await underWay(call<FileValue>('POST', '/api/file', { body }).then((x) => {
          there.current = many ? [...there.current, x] : [x]
          onChange(many ? there.current : x)
        }))
      } catch (e) {
        setProblem(problemOf(e))
      }
      setBusy((b) => b.filter((_, i) => i !== b.indexOf(f.name)))
    }
  }
  return (
    <div className="files" id={id} aria-describedby={describedBy}
      onDragOver={(e) => e.preventDefault()} onDrop={(e) => { e.preventDefault(); void add(e.dataTransfer.files) }}
      onPaste={(e) => { if (e.clipboardData.files.length) { e.preventDefault(); void add(e.clipboardData.files) } }}>
      <input ref={input} type="file" hidden multiple={many} onChange={(e) => { if (e.target.files) void add(e.target.files); e.target.value = '' }} />
      <Button icon={<PaperClipOutlined />} loading={busy.length > 0} onClick={() => input.current?.click()}>{t('file.add')}</Button>
      <span className="hint"> {t('file.limit')}</span>
      {busy.map((n, i) => <div key={i} className="soft">{t('file.sending', { name: n })}</div>)}
      {have.map((f) => (
        <div key={f.id} className="file">
          <a href={`/api/file/${f.id}`} target="_blank" rel="noreferrer">{f.name}</a> <small className="soft">{size(f.size)}</small>{' '}
          <button type="button" className="link small" onClick={() => onChange(many ? have.filter((x) => x.id !== f.id) : null)}>{t('remove')}</button>
        </div>
      ))}
      {problem && <Refused problem={problem} />}
    </div>
  )
}
function FileView({ value }: ViewProps) {
  return (
    <span>
      {list(value).map((f) => (
        <a key={f.id} className="file" href={`/api/file/${f.id}`} target="_blank" rel="noreferrer">
          {f.name} <small className="soft">{size(f.size)}</small>
        </a>
      ))}
    </span>
  )
}
export default { Input: FileInput, View: FileView, column: { min: 120 }, wide: true } satisfies Kind
