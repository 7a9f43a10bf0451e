// Small things every page uses: waiting, failing, side panel, card, empty.
import { Button, Drawer } from 'antd'
import type { ReactNode } from 'react'
import { usePhone } from '../app/device'
import { useWords } from '../app/i18n'
import { problemOf } from '../api/client'
import { Refused } from './refusal'

/** A skeleton of the rows to come; never a spinner over the page. */
export function Loading({ rows = 5, tall }: { rows?: number; tall?: boolean }) {
  const { t } = useWords()
  return (
    <div role="status" className={`skeleton ${tall ? 'tall' : ''}`} aria-busy="true" aria-label={t('opening')}>
      {Array.from({ length: rows }, (_, i) => <i key={i} />)}
    </div>
  )
}

export function Failed({ error, again }: { error: unknown; again?: () => unknown }) {
  const { t } = useWords()
  return (
    <div className="card pad">
      <Refused problem={problemOf(error)}>{again && <Button onClick={() => void again()}>{t('try_again')}</Button>}</Refused>
    </div>
  )
}

export function Side({ title, onClose, children, width = 440 }: { title: ReactNode; onClose: () => void; children: ReactNode; width?: number }) {
  const phone = usePhone()
  return (
    <Drawer open title={title} onClose={onClose} placement={phone ? 'bottom' : 'right'} size={phone ? '80vh' : width} destroyOnHidden>
      {children}
    </Drawer>
  )
}

export function Card({ title, extra, children, className = '', id }: { title?: ReactNode; extra?: ReactNode; children: ReactNode; className?: string; id?: string }) {
  return (
    <section className={`card ${className}`} id={id}>
      {title !== undefined && (
        <header>
          <h2>{title}</h2>
          {extra && <div className="extra">{extra}</div>}
        </header>
      )}
      <div className="body">{children}</div>
    </section>
  )
}

export function Empty({ children }: { children: ReactNode }) {
  return <div className="empty">{children}</div>
}

export function Key({ children }: { children: ReactNode }) {
  return <kbd aria-hidden="true">{children}</kbd>
}
