// The hand of the sample company's clock. It exists only where the server's clock is turned by hand.
import { Button, Input, Popover } from 'antd'
import { useState } from 'react'
import { post, problemOf } from '../api/client'
import { queries } from '../api/query'
import type { Problem } from '../api/types'
import { Refused } from '../elements/refusal'
import { setClock, useNow } from './clock'
import { useWords } from './i18n'
import { useMe } from './session'
import { clockTime, dataTime, fromWall, fullDay, parse } from './time'

export default function ClockHand() {
  const { t, lang } = useWords()
  const now = useNow()
  const me = useMe()
  const may = me.rights.includes('clock')
  const [busy, setBusy] = useState('')
  const [to, setTo] = useState('')
  const [said, setSaid] = useState('')
  const [problem, setProblem] = useState<Problem | null>(null)
  const turn = async (name: string, body: { set?: string; advance?: string }) => {
    setBusy(name)
    setProblem(null)
    try {
      const r = await post<{ now: string; fired?: number }>('/api/clock', body)
      setClock(r.now, true)
      setSaid(t('hand.fired', { count: r.fired ?? 0 }))
      await queries.invalidateQueries()
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy('')
  }
  const set = () => {
    const m = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})$/.exec(to.trim().replace(/\//g, '-'))
    const at = m ? fromWall(`${m[1]}T${m[2]}:00`) : parse(to)
    if (at) void turn('set', { set: new Date(at).toISOString() })
  }
  return (
    <div className="band hand">
      <b>{t('hand.band')}</b>
      <span className="num">{fullDay(now, lang)} {clockTime(now)}</span>
      {may && (
        <Popover
          trigger="click"
          placement="bottomLeft"
          onOpenChange={(o) => { if (o) { setTo(dataTime(now)); setSaid('') } }}
          content={
            <div className="hand-panel">
              <div className="row-actions">
                {(['1h', '1d', '3d', '7d'] as const).map((s) => <Button key={s} loading={busy === s} disabled={!!busy && busy !== s} onClick={() => turn(s, { advance: s })}>{t(`hand.${s}`)}</Button>)}
              </div>
              <label htmlFor="hand-to">{t('hand.set')}</label>
              <div className="row-actions">
                <Input id="hand-to" value={to} onChange={(e) => setTo(e.target.value)} onPressEnter={set} style={{ width: 180 }} />
                <Button type="primary" loading={busy === 'set'} onClick={set}>{t('hand.turn')}</Button>
              </div>
              {said && <p role="status">{said}</p>}
              {problem && <Refused problem={problem} />}
              <p className="soft small">{t('hand.note')}</p>
            </div>
          }
        >
          <Button size="small">{t('hand.open')}</Button>
        </Popover>
      )}
    </div>
  )
}
