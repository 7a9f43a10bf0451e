// The camera beside a field that may hold a code, where there is a touch screen to hold before it.
import { ScanOutlined } from '@ant-design/icons'
import { lazy, Suspense, useState } from 'react'
import { useMedia } from '../app/device'
import { useWords } from '../app/i18n'
import type { Field } from '../api/types'

const Scan = lazy(() => import('../app/scan'))

export function ScanInto({ field, onCode }: { field: Field; onCode: (code: string) => void }) {
  const { t, w } = useWords()
  const touch = useMedia('(max-width: 767px), (pointer: coarse)')
  const [open, setOpen] = useState(false)
  if (!field.scan || !touch) return null
  const title = t('scan.field', { what: w(field.label) })
  return (
    <>
      <button type="button" className="scan-into" aria-label={title} title={title} onClick={() => setOpen(true)}><ScanOutlined aria-hidden /></button>
      {open && <Suspense fallback={null}><Scan title={title} onCode={onCode} onClose={() => setOpen(false)} /></Suspense>}
    </>
  )
}
