// What a record sent to people outside: to whom, how, and what became of it.
import { Link } from 'react-router'
import type { Rec } from '../api/types'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { absolute, parse } from '../app/time'
import { Card } from './parts'

export function Letters({ of }: { of: NonNullable<Rec['letters']> }) {
  const { t, w, lang } = useWords()
  const now = useNow()
  const at = (s?: string) => { const x = parse(s); return x === null ? '' : absolute(x, now, lang) }
  const plain = (x: unknown) => (typeof x === 'string' ? x : x && typeof x === 'object' && 'masked' in x ? String(x.masked) : '')
  return (
    <Card title={t('letters')}>
      <ul className="rows letters">
        {of.map((l) => (
          <li key={l.id}>
            <Link to={`/record/base.letter/${l.id}`}>{w(l.about)}</Link> <span className={`tag ${l.state === 'to_post' ? 'amber' : ''}`}>{w(l.state_label)}</span>
            <div className="small">{t('letters.to', { who: [l.org, plain(l.name), plain(l.address)].filter(Boolean).join(' ') })}</div>
            <div className="soft small">{l.sent_at ? at(l.sent_at) : l.state === 'to_post' ? t(`letters.why.${l.why || 'no_address'}`) : at(l.at)}</div>
          </li>
        ))}
      </ul>
    </Card>
  )
}
