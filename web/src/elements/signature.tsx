// The place of a signature: pale until signed. Only the person's own mark is drawn, never a company's seal.
import { useWords } from '../app/i18n'
import { useNow } from '../app/clock'
import { absolute, parse } from '../app/time'
import type { Rec } from '../api/types'

export function Stamp({ name, at }: { name?: string; at?: string }) {
  const { t } = useWords()
  return (
    <div className={`stamp ${name ? 'signed' : ''}`} aria-hidden={!name}>
      <span>{name ?? t('sign.here')}</span>
      {at && <small>{at}</small>}
    </div>
  )
}

export function Signatures({ rec }: { rec: Rec }) {
  const { t, w, lang } = useWords()
  const now = useNow()
  const at = (s?: string) => { const x = parse(s); return x === null ? '' : absolute(x, now, lang) }
  return (
    <ul className="rows">
      {(rec.signatures ?? []).map((s, i) => (
        <li key={i} className={s.state}>
          <div>
            <b>{s.by?.post}</b> {s.by?.name}{' '}
            <span className={`sig ${s.state}`}>{t(`sign.state.${s.state}`)}</span>
          </div>
          <div className="soft small">{at(s.at)}{s.rows ? ` ${t('sign.rows', { count: s.rows })}` : ''}{s.comment ? ` ${lang === 'zh' ? '“' : '“'}${s.comment}”` : ''}</div>
          {s.state === 'void' && <div className="bad small">{w(s.void_why) || t('sign.void')}</div>}
        </li>
      ))}
    </ul>
  )
}
