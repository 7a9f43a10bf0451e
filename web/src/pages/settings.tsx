// What will change for whom, from when, and can I go back? Parameters by regulation; people, roles, calendar beside them.
import { useState } from 'react'
import { Link, useParams } from 'react-router'
import { useForms, useGet } from '../api/query'
import type { Book, BookBrief } from '../api/types'
import { useTitle } from '../app/clock'
import { useWords } from '../app/i18n'
import { useMe } from '../app/session'
import { ClauseChip } from '../elements/clause'
import { ParamValue, paramWords } from '../elements/param'
import { Card, Failed, Loading, Side } from '../elements/parts'
import { Jobs } from '../elements/jobs'
import { Undelivered } from '../elements/undelivered'

export default function Settings() {
  const { book } = useParams()
  const { t, w } = useWords()
  const me = useMe()
  const books = useGet<BookBrief[]>('/api/rulebook')
  const forms = useForms()
  useTitle(t('nav.settings'))
  if (books.error) return <Failed error={books.error} again={books.refetch} />
  if (!books.data) return <Loading rows={6} />
  const list = books.data.filter((b) => (b.clauses?.total ?? 0) > 0)
  const rest = list.filter((b) => !b.adopted?.length)
  const platform = (forms.data ?? []).filter((f) => f.kept === 'platform')
  return (
    <>
      <header className="page-head"><h1>{t('nav.settings')}</h1></header>
      {platform.length > 0 && !book && (
        <Card title={t('settings.people')}>
          <div className="tiles">{platform.map((f) => <div className="tile" key={f.key}><Link to={`/register/${f.key}`}>{w(f.label)}</Link></div>)}</div>
        </Card>
      )}
      {!book && me.rights.includes('settings') && <><Undelivered /><Jobs /></>}
      {!me.rights.includes('settings') && <p className="notice">{t('settings.read_only')}</p>}
      {list.filter((b) => (book ? b.id === book : b.adopted?.length)).map((b) => <Parameters key={b.id} id={b.id} title={w(b.title)} />)}
      {!book && rest.length > 0 && (
        <Card title={t('settings.rest')}>
          <p className="soft">{t('settings.rest_text')}</p>
          <div className="tiles">{rest.map((b) => <div className="tile" key={b.id}><Link to={`/settings/${b.id}`}>{w(b.title)}</Link>{me.rights.includes('settings') && <Link className="apart" to={`/adopt/${b.id}`} aria-label={t('adopt.open_of', { book: w(b.title) })}>{t('adopt.short')}</Link>}</div>)}</div>
        </Card>
      )}
    </>
  )
}

function Parameters({ id, title }: { id: string; title: string }) {
  const { t, w, lang } = useWords()
  const q = useGet<Book>(`/api/rulebook/${id}`)
  const [open, setOpen] = useState<string>('')
  if (q.error) return <Failed error={q.error} again={q.refetch} />
  if (!q.data) return <Loading rows={6} />
  const params = q.data.parameters ?? []
  const whole = params.find((p) => p.id === open)
  return (
    <>
      <Card title={<Link to={`/rulebook/${id}`}>{title}</Link>} extra={<span className="soft small">{t('parameters')} {params.length}</span>}>
        <div className="table-box">
          <table className="list">
            <thead><tr><th>{t('parameter')}</th><th>{t('param.now')}</th><th>{t('param.since')}</th><th>{t('param.source')}</th><th>{t('clause')}</th></tr></thead>
            <tbody>
              {params.map((p) => (
                <tr key={p.id} onClick={() => setOpen(p.id)}>
                  <td><button type="button" className="link" onClick={() => setOpen(p.id)}>{w(p.label)}</button></td>
                  <td className="num">{p.rows ? t('param.rows', { count: p.rows.length }) : paramWords(p, lang)}</td>
                  <td className="num nowrap">{p.since?.slice(0, 10)}</td>
                  <td>{p.source === 'default' ? <span className="kind warn">{t('param.default')}</span> : p.source === 'text' ? t('param.text') : t('param.company')}</td>
                  <td><ClauseChip id={p.clause} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Card>
      {whole && <Side title={w(whole.label)} onClose={() => setOpen('')} width={560}><ParamValue book={id} param={whole} /></Side>}
    </>
  )
}
