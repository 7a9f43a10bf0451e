// A dialog over the page: whoever opens it types at once into its first field.
import { Modal, type ModalProps } from 'antd'
import { useId } from 'react'

const FIELD = ['input:not([type=hidden]):not([hidden]):not([readonly])', 'input[role=combobox]', 'textarea:not([readonly])'].map((x) => x + ':not(:disabled)').join()

/** As the library's, but what it focuses first is the first field, else the chief button, not the cross that closes it. */
export function Dialog(props: ModalProps) {
  const name = 'dialog-' + useId().replace(/\W/g, '')
  const begin = () => {
    const body = document.querySelector(`.${name} .ant-modal-body`)
    if (!body || body.contains(document.activeElement)) return
    const first = body.querySelector<HTMLElement>(FIELD) ?? body.querySelector<HTMLElement>('.ant-btn-primary, button')
    first?.focus({ preventScroll: true })
  }
  return <Modal {...props} className={`${props.className ?? ''} ${name}`} afterOpenChange={(open) => { if (open) begin() }} />
}
