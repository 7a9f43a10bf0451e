// For the administrator: which alerts did not arrive, and why.
import { Button } from 'antd'
import { post } from '../api/client'
import { queries, useGet } from '../api/query'
import type { Undelivered as Row } from '../api/types'
import { useNow } from '../app/clock'
import { useWords } from '../app/i18n'
import { absolute, parse } from '../app/time'
import { Card, Empty, Failed, Loading } from './parts'

const NAMED = ['inside', 'key', 'timeout', 'unreachable', 'not_robot']

export function Undelivered() {
  const { t, lang } = useWords()
  const now = useNow()
  const q = useGet<Row[]>('/api/delivery')
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  const at = (s: string) => { const x = parse(s); return x === null ? '' : absolute(x, now, lang) }
  const why = (s: string) => {
    const [word, code] = s.split(' ')
    return NAMED.includes(word) ? t(`delivery.${word}`) : code ? t(`delivery.${word}`, { code }) : t('delivery.unreachable')
  }
  return (
    <Card title={t('delivery.title')}>
      <p className="soft small">{t('delivery.text')}</p>
      {!q.data ? <Loading rows={2} /> : !q.data.length ? <Empty>{t('delivery.none')}</Empty> : (
        <div className="table-box">
          <table className="list">
            <thead><tr><th>{t('delivery.who')}</th><th>{t('delivery.channel')}</th><th>{t('delivery.why')}</th><th>{t('delivery.tries')}</th><th>{t('delivery.next')}</th></tr></thead>
            <tbody>
              {q.data.map((d) => (
                <tr key={d.id}>
                  <td>{d.kind === 'letter' ? t('letters.outside') : d.name}</td>
                  <td>{t(`alert.kind.${d.kind}`)}</td>
                  <td>{why(d.error)}</td>
                  <td className="num">{t('times', { count: d.tries })}</td>
                  <td className="nowrap">{d.dead ? <>{t('delivery.dead')} <Button size="small" onClick={() => void post(`/api/delivery/${d.id}/again`).then(() => queries.invalidateQueries({ queryKey: ['/api/delivery'] }))}>{t('delivery.again')}</Button></> : at(d.next)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  )
}
