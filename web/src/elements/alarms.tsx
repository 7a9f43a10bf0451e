// What has just come, at the edge of the page, until it is opened or put away.
import { Button } from 'antd'
import { useEffect, useState } from 'react'
import { useNavigate } from 'react-router'
import { post } from '../api/client'
import { queries } from '../api/query'
import type { Notice } from '../api/types'
import { onAlarm } from '../app/alarm'
import { useWords } from '../app/i18n'
import { ClauseChip } from './clause'

const MOST = 3

export function Alarms() {
  const { t, w } = useWords()
  const go = useNavigate()
  const [list, setList] = useState<Notice[]>([])
  useEffect(() => onAlarm((n) => setList((l) => [n, ...l.filter((x) => x.id !== n.id)].slice(0, MOST))), [])
  const away = (n: Notice) => {
    setList((l) => l.filter((x) => x.id !== n.id))
    void post(`/api/notice/${n.id}/read`).finally(() => queries.invalidateQueries({ queryKey: ['/api/notice'] }))
  }
  return (
    <section className="alarms" aria-label={t('alert.new')} role="status">
      {list.map((n) => (
        <div className="alarm" key={n.id}>
          <span>{w(n.text)} <ClauseChip id={n.clause} /></span>
          <span className="alarm-do">
            {n.form && n.record && <Button type="primary" onClick={() => { away(n); go(`/record/${n.form}/${n.record}`) }}>{t('alert.open')}</Button>}
            <Button onClick={() => away(n)}>{t('alert.dismiss')}</Button>
          </span>
        </div>
      ))}
    </section>
  )
}
