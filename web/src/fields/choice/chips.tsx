// Up to four choices stand open as chips; the chosen one has a tick, not only a colour.
import { useRef } from 'react'

interface Props {
  id: string
  options: { id: string; label: string }[]
  value: string[]
  onChange: (v: string[]) => void
  many?: boolean
  invalid?: boolean
  describedBy?: string
}
export function Chips({ id, options, value, onChange, many, invalid, describedBy }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const move = (from: number, step: number) => {
    const all = box.current?.querySelectorAll<HTMLButtonElement>('button')
    if (all) all[(from + step + all.length) % all.length].focus()
  }
  return (
    <div ref={box} id={id} className={`chips ${invalid ? 'invalid' : ''}`} role={many ? 'group' : 'radiogroup'} aria-labelledby={`${id}-label`} aria-describedby={describedBy}>
      {options.map((o, i) => {
        const on = value.includes(o.id)
        return (
          <button
            key={o.id}
            type="button"
            role={many ? 'checkbox' : 'radio'}
            aria-checked={on}
            tabIndex={many || on || (!value.length && i === 0) ? 0 : -1}
            className={on ? 'on' : ''}
            onKeyDown={(e) => {
              if (e.key === 'ArrowRight' || e.key === 'ArrowDown') { e.preventDefault(); move(i, 1) }
              if (e.key === 'ArrowLeft' || e.key === 'ArrowUp') { e.preventDefault(); move(i, -1) }
            }}
            onClick={() => onChange(many ? (on ? value.filter((x) => x !== o.id) : [...value, o.id]) : on ? [] : [o.id])}
          >
            {on && <span aria-hidden="true">✓ </span>}
            {o.label}
          </button>
        )
      })}
    </div>
  )
}
