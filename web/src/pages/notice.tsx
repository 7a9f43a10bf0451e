import { Button } from 'antd'
import { Link } from 'react-router'
import { post } from '../api/client'
import { queries, useGet } from '../api/query'
import type { Notice } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { ago, parse } from '../app/time'
import { ClauseChip } from '../elements/clause'
import { Card, Empty, Failed, Loading } from '../elements/parts'

export default function Notices() {
  const { t, w, lang } = useWords()
  const now = useNow()
  const q = useGet<{ rows: (Notice & { clause?: string })[]; unread: number }>('/api/notice')
  useTitle(t('notices'))
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={8} />
  const again = () => queries.invalidateQueries({ queryKey: ['/api/notice'] })
  const read = async (ids: string[]) => {
    await Promise.allSettled(ids.map((id) => post(`/api/notice/${id}/read`)))
    await again()
  }
  // the same words about the same record are one line with a count
  const folded: (Notice & { clause?: string; ids: string[] })[] = []
  for (const n of q.data.rows) {
    const same = folded.find((x) => x.record === n.record && w(x.text) === w(n.text) && x.read === n.read)
    if (same) same.ids.push(n.id)
    else folded.push({ ...n, ids: [n.id] })
  }
  return (
    <div className="narrow">
      <header className="page-head"><h1>{t('notices')} <small className="soft">{t('notices.unread', { count: q.data.unread })}</small></h1>{q.data.unread > 0 && <Button onClick={() => void read(q.data.rows.filter((n) => !n.read).map((n) => n.id))}>{t('notices.all_read')}</Button>}</header>
      <Card>
        {!folded.length ? <Empty>{t('notices.none')}</Empty> : (
          <ul className="rows">
            {folded.map((n) => {
              const at = parse(n.at)
              return (
                <li key={n.id} className={n.read ? 'soft' : ''}>
                  <span className="soft small num">{at === null ? '' : ago(at, now, lang)}</span>{' '}
                  {n.form && n.record ? <Link to={`/record/${n.form}/${n.record}`} onClick={() => void read(n.ids)} style={{ fontWeight: n.read ? 400 : 600 }}>{w(n.text)}</Link> : w(n.text)}
                  {n.ids.length > 1 && <span className="soft small"> {t('times', { count: n.ids.length })}</span>} <ClauseChip id={n.clause} />
                </li>
              )
            })}
          </ul>
        )}
      </Card>
    </div>
  )
}
