// A refusal in five parts: what cannot be done yet, the fact, the clause, who may, what to do now.
import { LockOutlined } from '@ant-design/icons'
import { Button } from 'antd'
import { useState, type ReactNode } from 'react'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { useSession } from '../app/session'
import { absolute, parse } from '../app/time'
import type { Person, Problem, ProblemItem } from '../api/types'
import { ClauseChip } from './clause'
import { plain } from '../fields/plain'

export function personWords(p: Person, w: (x: unknown) => string, t: (k: string, o?: Record<string, unknown>) => string): string {
  const name = [p.post, p.name].filter(Boolean).join(' ')
  const stand = typeof p.stand_in === 'string' ? p.stand_in : p.stand_in ? [p.stand_in.post, p.stand_in.name].filter(Boolean).join(' ') : ''
  const where = !p.post && p.unit ? w(p.unit) + ' ' : ''
  return where + name + (p.absent ? t('refusal.absent') : '') + (stand ? t('refusal.stand_in', { name: stand }) : '')
}

/** A short list of people; the rest as a number, the whole in the title. */
export function People({ list, max = 4 }: { list: Person[]; max?: number }) {
  const { t, w, lang } = useWords()
  const names = list.map((p) => personWords(p, w, t))
  const sep = lang === 'zh' ? '、' : ', '
  return (
    <span title={names.length > max ? names.join(sep) : undefined}>
      {names.slice(0, max).join(sep)}
      {names.length > max && t('and_people', { count: names.length - max, total: names.length })}
    </span>
  )
}

export function Refused({ problem: p, children, onField, kept }: { problem: Problem; children?: ReactNode; onField?: (field: string) => void; kept?: boolean }) {
  const { t, w, lang } = useWords()
  const now = useNow()
  const [copied, setCopied] = useState(false)
  const me = useSession().me?.person.id
  // who may do it is news only to somebody who may not
  const others = !!p.who_may?.length && !p.who_may.some((x) => x.id === me)
  if (p.kind === 'offline' || p.kind === 'unavailable')
    return (
      <div className="refusal away" role="alert">
        <p>{t('problem.offline')}</p>
        {children}
      </div>
    )
  if (p.kind === 'internal')
    return (
      <div className="refusal away" role="alert">
        <p>{t('problem.internal')}{p.ref ? ` ${t('problem.ref', { ref: p.ref })}` : ''}</p>
        {children}
      </div>
    )
  const title = p.title || t(`problem.${p.kind}`)
  const all = p.items ?? []
  const items = all.length === 1 && !onField && !all[0].clause && w(all[0].say) === title ? [] : all // said once is enough
  const detailed = items.some((i) => w(i.say) === p.detail)
  const clauses = items.filter((i) => i.clause)
  const many = items.length > 2
  const wait = parse(p.locked_until)
  const hint = async () => {
    const words = [title, ...items.map((i) => w(i.say)), location.href].join('\n')
    try {
      await navigator.clipboard.writeText(words)
      setCopied(true)
    } catch {
      setCopied(false)
    }
  }
  return (
    <div className={`refusal ${p.kind}`} role="alert">
      <h3>
        {p.kind === 'refused' && <LockOutlined aria-hidden />} {title}
      </h3>
      {p.detail && p.detail !== title && !detailed && <p>{p.detail}</p>}
      {!!items.length && (
        <ul className="say">
          {items.map((i, n) => (
            <li key={n}>
              {i.field && onField ? (
                <button type="button" className="link" onClick={() => onField(i.field!)}>{w(i.say)}</button>
              ) : (
                w(i.say)
              )}
              {many && <> <ClauseChip id={i.clause} /></>}
              <Facts item={i} />
            </li>
          ))}
        </ul>
      )}
      {!!clauses.length && !many && (
        <ul className="law">
          {clauses.filter((c, n) => clauses.findIndex((d) => d.clause === c.clause) === n).map((i) => (
            <li key={i.clause}>
              <ClauseChip id={i.clause} /> {w(i.clause_text)}
              {(i.params ?? []).map((x) => (
                <div className="soft small" key={x.id}>
                  {w(x.label)}{lang === 'zh' ? '：' : ': '}{plain(x.value, lang)}
                  {x.since ? t('refusal.since', { at: x.since.slice(0, 10) }) : ''}
                  {x.source === 'default' ? t('refusal.default') : ''}
                </div>
              ))}
            </li>
          ))}
        </ul>
      )}
      {others && (
        <p>
          <b>{t('who_may')}</b> <People list={p.who_may!} />
        </p>
      )}
      {p.kind === 'refused' && p.group === 'who' && !p.who_may?.length && <p>{t('nobody_may')}</p>}
      {p.tries_left !== undefined && p.tries_left !== null && !wait && <p>{t('signin.tries', { count: p.tries_left })}</p>}
      {wait !== null && <p>{t('signin.locked', { at: absolute(wait, now, lang) })}</p>}
      {kept && <p><b>{t('refusal.kept')}</b> {t('refusal.kept_text')}</p>}
      {(children || others) && (
        <div className="row-actions">
          {others && p.kind === 'refused' && (
            <Button onClick={hint}>{copied ? t('refusal.copied') : t('refusal.copy', { name: p.who_may![0].name })}</Button>
          )}
          {children}
        </div>
      )}
      {p.ref && <p className="soft small">{t('problem.ref', { ref: p.ref })}</p>}
    </div>
  )
}

function Facts({ item }: { item: ProblemItem }) {
  const { w, lang } = useWords()
  const facts = (item.facts ?? []).filter((f) => f.value !== null && f.value !== undefined && f.value !== '')
  if (!facts.length) return null
  return (
    <span className="soft small facts-inline">
      {facts.map((f, i) => (
        <span key={i}>
          {w(f.label)} {plain(f.value, lang)}
        </span>
      ))}
    </span>
  )
}
