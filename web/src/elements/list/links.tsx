// Links for the ticked rows, by which those they go to do one thing without an account. Each secret is seen here once: it is kept in
// nothing but this dialog, and gone with it.
import { Button, Popconfirm } from 'antd'
import { useState } from 'react'
import { Link } from 'react-router'
import { post, problemOf } from '../../api/client'
import type { Form, Problem, Row, Text } from '../../api/types'
import { useNow } from '../../app/clock'
import { useWords } from '../../app/i18n'
import { absolute, parse } from '../../app/time'
import { Dialog } from '../dialog'
import { Refused } from '../refusal'
import { sheet } from './sheet'

const SLICE = 25 // records a request: what was made before something fails is shown all the same

interface Given { record: string; token?: string; until?: string; no: Text }
type Made = { row: Row; link: string; until: string }
type Not = { row: Row; why: string }

export function ManyLinks({ form: f, rows, of: l, onClose }: { form: Form; rows: Row[]; of: { action: string; label: Text }; onClose: () => void }) {
  const { t, w, lang } = useWords()
  const now = useNow()
  const [state, setState] = useState<'ask' | 'busy' | 'done'>('ask')
  const [made, setMade] = useState<Made[]>([])
  const [not, setNot] = useState<Not[]>([])
  const [problem, setProblem] = useState<Problem | null>(null)
  const [kept, setKept] = useState<'' | 'copied' | 'saved'>('')

  const make = async () => {
    setState('busy')
    const yes: Made[] = []
    const no: Not[] = []
    try {
      for (let i = 0; i < rows.length; i += SLICE) {
        const slice = rows.slice(i, i + SLICE)
        for (const x of await give(slice)) {
          const row = slice.find((r) => r.id === x.record)!
          if (x.token) yes.push({ row, link: `${location.origin}/answer#${x.token}`, until: x.until ?? '' })
          else no.push({ row, why: w(x.no) })
        }
        setMade([...yes])
        setNot([...no])
      }
    } catch (e) {
      setProblem(problemOf(e))
    }
    setState('done')
  }
  /** A single record's refusal comes as a problem of the whole request. */
  const give = async (slice: Row[]): Promise<Given[]> => {
    try {
      return await post<Given[]>(`/api/form/${f.key}/link/${l.action}`, { records: slice.map((r) => r.id) })
    } catch (e) {
      const p = problemOf(e)
      if (slice.length > 1 || !['refused', 'not_found'].includes(p.kind)) throw e
      const say = p.items?.map((x) => w(x.say)).join(t('semicolon')) || p.title
      return [{ record: slice[0].id, no: { zh: say, en: say } }]
    }
  }
  const head = [t('number'), t('links.title'), t('links.link'), t('links.until')]
  const at = (s: string) => { const x = parse(s); return x === null ? '' : absolute(x, now, lang, true) }
  const cells = () => made.map((x) => [x.row.number ?? '', x.row.title ?? '', x.link, at(x.until)])
  const copy = () => void navigator.clipboard?.writeText(cells().map((r) => r.map((c) => c.replace(/\s+/g, ' ')).join('\t')).join('\n')).then(() => setKept('copied'))
  const save = () => {
    const a = document.createElement('a')
    a.href = URL.createObjectURL(new Blob([sheet([head, ...cells()])], { type: 'text/csv;charset=utf-8' }))
    a.download = `${w(l.label)}.csv`
    a.click()
    URL.revokeObjectURL(a.href)
    setKept('saved')
  }
  const name = (r: Row) => [r.number, r.title].filter((x, i, a) => x && a.indexOf(x) === i).join(' ') || t('list.unnumbered')
  const close = made.length > 0 && !kept
    ? <Popconfirm title={t('links.lost')} okText={t('links.close')} cancelText={t('cancel')} onConfirm={onClose}><Button>{t('close')}</Button></Popconfirm>
    : <Button disabled={state === 'busy'} onClick={onClose}>{t(state === 'ask' ? 'cancel' : 'close')}</Button>
  return (
    <Dialog open title={t('links.give_for', { what: w(l.label) })} width={860} closable={false} keyboard={state === 'ask'} mask={{ closable: false }} onCancel={onClose} destroyOnHidden
      footer={<div className="row-actions">{close}{state !== 'done' && <Button type="primary" loading={state === 'busy'} onClick={() => void make()}>{t('links.make', { count: rows.length })}</Button>}</div>}>
      <p className="soft">{t('links.text')}</p>
      {problem && <Refused problem={problem} />}
      <p aria-live="polite">{state === 'busy' ? t('bulk.running', { n: made.length + not.length, of: rows.length }) : state === 'done' ? t('links.made', { count: made.length }) : ''}</p>
      {state === 'done' && made.length > 0 && (
        <>
          <div className="row-acts"><Button onClick={copy}>{t(kept === 'copied' ? 'link.copied' : 'links.copy')}</Button><Button onClick={save}>{t('links.save')}</Button></div>
          <div className="table-box gap-above links-made">
            <table className="stack">
              <thead><tr>{head.map((h) => <th key={h} scope="col">{h}</th>)}</tr></thead>
              <tbody>{made.map((x) => <tr key={x.row.id}><td className="nowrap">{x.row.number}</td><td>{x.row.title}</td><td className="secret">{x.link}</td><td className="nowrap">{at(x.until)}</td></tr>)}</tbody>
            </table>
          </div>
        </>
      )}
      {state === 'done' && not.length > 0 && (
        <>
          <h3>{t('links.not', { count: not.length })}</h3>
          <ul className="rows">{not.map((x) => <li key={x.row.id}><Link to={`/record/${f.key}/${x.row.id}`} target="_blank">{name(x.row)}</Link> <span>{x.why}</span></li>)}</ul>
        </>
      )}
    </Dialog>
  )
}
