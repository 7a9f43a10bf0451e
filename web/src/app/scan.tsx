// Scanning: the camera where there is one, a photo otherwise, and typing, which always works.
import { CameraOutlined, VideoCameraOutlined } from '@ant-design/icons'
import { Button, Input, Modal } from 'antd'
import { useCallback, useEffect, useRef, useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { get, problemOf } from '../api/client'
import type { Problem, Scanned } from '../api/types'
import { Refused } from '../elements/refusal'
import { hasCamera, readCode, recordAddress, recordIn } from './codes'
import { usePhone } from './device'
import { useWords } from './i18n'
import { composing } from './keys'

const EVERY = 250 // ms between two looks through the camera

interface Props {
  title?: string
  onCode?: (code: string) => void // of a field; else the record is opened
  onClose: () => void
}

export default function Scan({ title, onCode, onClose }: Props) {
  const { t, w } = useWords()
  const go = useNavigate()
  const phone = usePhone()
  const [typed, setTyped] = useState('')
  const [live, setLive] = useState(phone && hasCamera())
  const [busy, setBusy] = useState(false)
  const [said, setSaid] = useState('')
  const [hits, setHits] = useState<Scanned[] | null>(null)
  const [none, setNone] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const photo = useRef<HTMLInputElement>(null)

  const take = useCallback(async (code: string) => {
    const c = code.trim()
    if (!c) return
    setLive(false)
    setSaid('')
    setNone('')
    setHits(null)
    setProblem(null)
    if (onCode) {
      onCode(c)
      return onClose()
    }
    const r = recordIn(c)
    if (r) {
      void go(recordAddress(r.form, r.id, r.check))
      return onClose()
    }
    setTyped(c)
    setBusy(true)
    try {
      const list = await get<Scanned[]>('/api/scan', { code: c })
      if (list.length === 1) {
        void go(recordAddress(list[0].form, list[0].id, list[0].paper ? c : ''))
        return onClose()
      }
      if (list.length) setHits(list)
      else setNone(c)
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy(false)
  }, [go, onClose, onCode])

  const look = async (file: File) => {
    setLive(false) // a camera that is refused late would say so over what is said of the photo
    setBusy(true)
    setSaid(t('scan.reading'))
    const code = await createImageBitmap(file).then(readCode).catch(() => null)
    setBusy(false)
    setSaid(code ? '' : t('scan.unread'))
    if (code) await take(code)
  }

  return (
    <Modal open className={phone ? 'full' : ''} width={phone ? '100%' : 520} title={title ?? t('scan.title')} footer={null} onCancel={onClose} destroyOnHidden>
      <p className="soft">{t('scan.text')}</p>
      {live && <Camera onCode={(c) => void take(c)} onClosed={() => { setLive(false); setSaid(t('scan.closed')) }} />}
      <div className="row-actions scan-ways">
        {hasCamera() && <Button icon={<VideoCameraOutlined />} onClick={() => { setSaid(''); setLive(!live) }}>{live ? t('scan.stop') : t('scan.live')}</Button>}
        <Button icon={<CameraOutlined />} loading={busy && !typed} onClick={() => photo.current?.click()}>{t('scan.photo')}</Button>
        <input ref={photo} type="file" accept="image/*" capture="environment" hidden aria-label={t('scan.photo')} onChange={(e) => { const f = e.target.files?.[0]; e.target.value = ''; if (f) void look(f) }} />
      </div>
      <p role="status" className={said ? 'notice amber' : 'sr'}>{said}</p>
      <div className="item">
        <label htmlFor="scan-code">{t('scan.type')}</label>
        <div className="scan-type">
          <Input id="scan-code" className="mono" autoComplete="off" autoCapitalize="characters" value={typed} onChange={(e) => setTyped(e.target.value)} onKeyDown={(e) => { if (e.key === 'Enter' && !composing(e)) void take(typed) }} />
          <Button type="primary" loading={busy && !!typed} onClick={() => void take(typed)}>{onCode ? t('scan.take') : t('scan.open')}</Button>
        </div>
      </div>
      {problem && <Refused problem={problem} />}
      {none && <div className="notice amber" role="alert">{t('scan.none', { code: none })} <Link to={`/search?q=${encodeURIComponent(none)}`} onClick={onClose}>{t('scan.search')}</Link></div>}
      {hits && (
        <>
          <p role="status">{t('scan.many')}</p>
          <ul className="pick">{hits.map((h) => <li key={h.form + h.id}><Link to={recordAddress(h.form, h.id, h.paper ? typed : '')} onClick={onClose}>{w(h.label)} {h.number} {h.title} <span className="soft">{w(h.state_label)}</span></Link></li>)}</ul>
        </>
      )}
    </Modal>
  )
}

function Camera({ onCode, onClosed }: { onCode: (c: string) => void; onClosed: () => void }) {
  const { t } = useWords()
  const video = useRef<HTMLVideoElement>(null)
  const told = useRef({ onCode, onClosed })
  told.current = { onCode, onClosed }
  useEffect(() => {
    let stream: MediaStream | null = null
    let timer: ReturnType<typeof setTimeout>
    let over = false
    const look = async () => {
      const code = video.current ? await readCode(video.current) : null
      if (over) return
      if (code) told.current.onCode(code)
      else timer = setTimeout(() => void look(), EVERY)
    }
    navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } }).then(
      (s) => {
        if (over) return s.getTracks().forEach((x) => x.stop())
        stream = s
        video.current!.srcObject = s
        void video.current!.play().catch(() => undefined)
        void look()
      },
      () => { if (!over) told.current.onClosed() },
    )
    return () => {
      over = true
      clearTimeout(timer)
      stream?.getTracks().forEach((x) => x.stop())
    }
  }, [])
  return (
    <figure className="scan-live">
      <video ref={video} muted playsInline aria-label={t('scan.point')} />
      <figcaption className="soft small">{t('scan.point')}</figcaption>
    </figure>
  )
}
