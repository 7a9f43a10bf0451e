// One record: what it is, where it stands, who holds it, what I can do, what is still closed and why.
import { EllipsisOutlined, LockOutlined, PrinterOutlined } from '@ant-design/icons'
import { Button, Dropdown, message } from 'antd'
import { useEffect, useMemo, useState } from 'react'
import { Link, useLocation, useNavigate, useParams, useSearchParams } from 'react-router'
import { call } from '../api/client'
import { recordPath, refresh, useForm, useForms, useGet } from '../api/query'
import type { ActionOpen, Copy, Done, Field, Form, Rec, Scanned, Person } from '../api/types'
import { useNow, useTitle } from '../app/clock'
import { copyName } from '../app/copies'
import { usePhone } from '../app/device'
import { useWords } from '../app/i18n'
import { useMe } from '../app/session'
import { useKeys } from '../app/keys'
import { absolute, parse } from '../app/time'
import { ActionDialog, ActionForm, worst } from '../elements/act'
import { needsForm } from '../elements/press'
import { ClauseChip } from '../elements/clause'
import { SectionChart } from '../elements/section-chart'
import { Compare } from '../elements/compare'
import { Clocks, Deadline } from '../elements/deadline'
import { GiveLink } from '../elements/give-link'
import { History } from '../elements/history'
import { Letters } from '../elements/letters'
import { LineTable } from '../elements/line-table'
import { Card, Failed, Loading } from '../elements/parts'
import { Path } from '../elements/path'
import { People, Refused } from '../elements/refusal'
import { Signatures } from '../elements/signature'
import { FieldView, kindOf, masked, missing } from '../fields'
import { problemOf } from '../api/client'
import type { Problem } from '../api/types'
import { AroundBody, AroundHead, FileFor, useAround } from './around'

// what the server lists as acts but the page has its own place for
const QUIET = ['view', 'print', 'export', 'import', 'reveal', 'create']
const LAST = ['void', 'edit']

export default function RecordPage() {
  const { key = '', id = '' } = useParams()
  const rec = useGet<Rec>(recordPath(key, id), undefined, { staleTime: 5000 })
  const form = useForm(key, rec.data?.older ? id : undefined)
  if (rec.error && !rec.data) return <Failed error={rec.error} again={rec.refetch} />
  if (form.error) return <Failed error={form.error} again={form.refetch} />
  if (!rec.data || !form.data) return <><Loading rows={2} /><div className="columns"><Loading rows={10} tall /><Loading rows={6} tall /></div></>
  return <Whole key={id} form={form.data} rec={rec.data} />
}

function Whole({ form: f, rec: r }: { form: Form; rec: Rec }) {
  const { t, w } = useWords()
  const go = useNavigate()
  const where = useLocation()
  const phone = usePhone()
  const [params, setParams] = useSearchParams()
  const [doing, setDoing] = useState<ActionOpen | null>(null)
  const [busy, setBusy] = useState('')
  const [problem, setProblem] = useState<Problem | null>((where.state as { problem?: Problem } | null)?.problem ?? null)
  useEffect(() => { if (problem) scrollTo(0, 0) }, [problem])
  const me = useMe()
  const [said, holder] = message.useMessage()
  const [done, setDone] = useState<Done | null>(null)
  const name = [r.number, w({ zh: r.title, en: r.title_en })].filter((x, i, a) => x && a.indexOf(x) === i).join(' ') || w(f.label)
  useTitle(`${name} ${w(f.label)}`)

  const open = useMemo(() => {
    const list = (r.actions.open ?? []).filter((a) => !QUIET.includes(a.id) && a.id !== f.merge?.set_apart) // that is said where they are found alike
    const rank = (a: ActionOpen) => (a.id === params.get('act') ? -2 : a.primary || a.style === 'primary' || a.sign ? -1 : LAST.includes(a.id) ? 9 : a.style === 'danger' ? 8 : 0)
    return [...list].sort((a, b) => rank(a) - rank(b))
  }, [r.actions.open, params, f.merge])
  // the way on is the server's word; what it does not call so waits among the other buttons
  const primary = open.find((a) => a.id === params.get('act') && !LAST.includes(a.id)) ?? open.find((a) => a.primary || a.style === 'primary' || a.sign)
  const thumb = primary ?? open.find((a) => !LAST.includes(a.id) && a.style !== 'danger') // one press away on a phone
  const inline = primary && !primary.sign && (primary.fill?.length || primary.lines?.length) ? primary : undefined
  const asked = params.get('act')
  useEffect(() => {
    const a = asked ? open.find((x) => x.id === asked) : undefined
    if (!a) return
    if (a.sign || a !== inline) setDoing(a)
    else requestAnimationFrame(() => document.getElementById('stage')?.querySelector<HTMLElement>('input,textarea,button')?.focus())
    // once, on arrival
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [asked])

  const start = async (a: ActionOpen) => {
    if (a.id === f.merge?.action) return go(`/record/${r.form}/${r.id}/merge`)
    // the button above and the button under the form are the same press
    if (a === inline) return document.getElementById('stage')?.querySelector<HTMLElement>('.act-buttons button[data-do]')?.click()
    if (needsForm(a) || LAST.includes(a.id)) return setDoing(a)
    setBusy(a.id)
    setProblem(null)
    try {
      finish(await call<Done>('POST', `${recordPath(r.form, r.id)}/${a.id}`, { body: {}, etag: r.etag }))
    } catch (e) {
      setProblem(problemOf(e))
    }
    setBusy('')
  }
  const finish = (d: Done) => {
    setDoing(null)
    setDone(d)
    setProblem(null)
    if (params.has('act')) setParams((p) => { p.delete('act'); return p }, { replace: true })
    refresh(r.form, r.id)
    document.getElementById('main')?.focus({ preventScroll: true })
  }
  const listed = (where.state as { list?: string[] } | null)?.list ?? []
  const i = listed.indexOf(r.id)
  const step = (n: number) => { const to = listed[i + n]; if (i >= 0 && to) go(`/record/${r.form}/${to}`, { state: where.state }) }
  useKeys({
    p: () => go(`/record/${r.form}/${r.id}/print`),
    e: () => { const a = open.find((x) => x.id === 'edit'); if (a) setDoing(a) },
    '[': () => step(-1),
    ']': () => step(1),
    ...Object.fromEntries(open.slice(0, 9).map((a, n) => [String(n + 1), () => void start(a)])),
  })
  const around = useAround(r.form, r.id, f.central)
  const most = worst(r)
  const state = w(r.state_label) || w(f.states.find((s) => s.id === r.state)?.label)
  const visible = phone ? 1 : 3
  const rest = open.slice(visible)
  const band = typeof r.band === 'string' ? { text: r.band } : r.band
  return (
    <>
      {holder}
      <header className="page-head record-head">
        <div className="titles">
          <nav className="crumbs" aria-label={t('crumbs')}>
            <Link to={`/register/${r.form}`}>{w(f.label)}</Link> <ClauseChip id={f.clause} />
          </nav>
          <h1>{name}</h1>
          <div className="marks">
            {state && <span className="tag">{state}</span>}
            {most && <Deadline due={most.due} from={most.from} state={most.state} warned={most.warned} working={most.working} pausedFor={most.paused_for} label={w(most.label)} exact="beside" />}
          </div>
        </div>
        <div className="acts">
          {(phone ? [] : open.slice(0, visible)).map((a) => (
            <Button key={a.id} type={a === primary ? 'primary' : 'default'} danger={a.style === 'danger' || a.id === 'void'} loading={busy === a.id} onClick={() => void start(a)}>{a.sign ? t('tasks.sign', { what: w(a.label) }) : w(a.label)}</Button>
          ))}
          <FileFor of={around.data} rec={r} />
          {r.form === 'base.person' && me.rights.includes('people') && <Button onClick={() => go(`/people/${r.id}`)}>{t('people.rights_of')}</Button>}
          {r.personal_copy && <Button onClick={() => go(`/personal-copy/${r.id}`)}>{t('personal.copy')}</Button>}
          {!phone && <Button icon={<PrinterOutlined />} onClick={() => go(`/record/${r.form}/${r.id}/print`)}>{t('print')}</Button>}
          {!phone && rest.length > 0 && <More acts={rest} onPick={(a) => void start(a)} />}
        </div>
      </header>
      {band?.text && <div className={`wide-band ${band.kind ?? ''}`} role="note"><LockOutlined aria-hidden /> {w(band.text)} <ClauseChip id={band.clause} /></div>}
      {r.merged && <div className="wide-band" role="note"><LockOutlined aria-hidden /> {w(r.merged.say)} {r.merged.id && <Link to={`/record/${r.form}/${r.merged.id}`}>{t('merge.went')}</Link>}</div>}
      {done && (
        <div className="done-line" role="status">
          <span className="mark met">✓ {w(done.done.text) || t('done')}</span>
          {!!done.done.waiting?.length && <span>{t('waits_for', { who: done.done.waiting.map((x) => w(x)).filter(Boolean).join('、') })}</span>}
          <button type="button" className="link small" onClick={() => setDone(null)}>{t('close')}</button>
        </div>
      )}
      {params.get('check') && <PaperOf rec={r} code={params.get('check')!} />}
      {problem && <Refused problem={problem}><Button onClick={() => setProblem(null)}>{t('close')}</Button></Refused>}
      {f.central && <AroundHead of={around.data} rec={r} form={f} />}
      {!!r.path?.length && r.path.length > 1 && <Path steps={r.path} form={r.form} record={r.id} label={[w(f.label), r.number].filter(Boolean).join(' ')} />}
      <div className={`columns ${f.report ? 'one' : ''}`}>
        <div>
          {inline && (
            <Card id="stage" className="stage" title={<>{t('stage_form', { what: w(inline.label) })} <ClauseChip id={inline.clause} /></>}>
              <ActionForm key={inline.id} form={f} rec={r} action={inline} inline onDone={finish} />
            </Card>
          )}
          {r.compare?.map((c) => <Compare key={c.id} of={c} rec={r} busy={busy} onDo={(a) => void start(a)} />)}
          {f.central ? <AroundBody of={around} rec={r} /> : <Content form={f} rec={r} />}
          {!phone && !f.central && <History form={r.form} id={r.id} />}
        </div>
        <aside>
          {f.central && <Content form={f} rec={r} />}
          {!!r.clocks?.length && <Card title={t('limits')}><Clocks clocks={r.clocks} form={r.form} id={r.id} /></Card>}
          {r.links?.map((l) => <GiveLink key={l.action} form={r.form} id={r.id} of={l} />)}
          <ClosedActs rec={r} />
          {!!r.waiting?.length && (
            <Card title={t('waiting_sign')}>
              <ul className="rows">{r.waiting.map((x) => <li key={x.approval}>{w(x.label)} <People list={x.who} /></li>)}</ul>
            </Card>
          )}
          {!!r.signatures?.length && <Card title={t('signatures')}><Signatures rec={r} /></Card>}
          <Copies form={f} rec={r} />
          {!!r.letters?.length && <Letters of={r.letters} />}
          {!!r.sanctions?.length && (
            <Card title={t('sanctions')}>
              <ul className="rows">
                {r.sanctions.map((s, n) => <li key={n}>{s.id ? <Link to={`/record/${s.form ?? 'base.sanction'}/${s.id}`}>{w(s.text) || w(s.label) || s.number}</Link> : w(s.text) || w(s.label)} <ClauseChip id={s.clause} /> <span className="soft small">{w(s.state_label)}</span></li>)}
              </ul>
            </Card>
          )}
          {!f.central && <RelatedRecords rec={r} />}
          <Bound rec={r} />
          {phone && !f.central && <details className="card fold"><summary>{t('history')}</summary><History form={r.form} id={r.id} /></details>}
        </aside>
      </div>
      {phone && (
        <div className="sticky-bar">
          <More acts={open.filter((a) => a !== thumb)} extra={[{ key: 'print', label: t('print'), onClick: () => go(`/record/${r.form}/${r.id}/print`) }]} onPick={(a) => void start(a)} wide={thumb ? t('more') : t('more.acts')} />
          {thumb && <Button type={thumb === primary ? 'primary' : 'default'} loading={busy === thumb.id} onClick={() => void start(thumb)}>{w(thumb.label)}</Button>}
        </div>
      )}
      {doing && (doing.id === 'edit' ? <Edit form={f} rec={r} open={doing} onClose={() => setDoing(null)} onDone={() => { setDoing(null); void said.success(t('saved')) }} /> : <ActionDialog form={f} rec={r} action={doing} onClose={() => setDoing(null)} onDone={finish} />)}
    </>
  )
}

/** Whether the paper that was scanned still says what the record says. */
function PaperOf({ rec, code }: { rec: Rec; code: string }) {
  const { t } = useWords()
  const found = useGet<Scanned[]>('/api/scan', { code })
  if (!found.data) return null
  const paper = found.data.find((x) => x.form === rec.form && x.id === rec.id)?.paper
  return <p className={`notice ${paper === 'same' ? '' : 'amber'}`} role="status">{paper === 'same' ? `✓ ${t('scan.paper_same', { code })}` : paper ? t('scan.paper_changed', { code }) : t('scan.paper_other', { code })}</p>
}

function More({ acts, extra = [], onPick, wide }: { acts: ActionOpen[]; extra?: { key: string; label: string; onClick: () => void }[]; onPick: (a: ActionOpen) => void; wide?: string }) {
  const { t, w } = useWords()
  return (
    <Dropdown trigger={['click']} menu={{ items: [...acts.map((a) => ({ key: a.id, danger: a.style === 'danger' || a.id === 'void', label: w(a.label), onClick: () => onPick(a) })), ...extra] }}>
      <Button icon={wide ? undefined : <EllipsisOutlined />} aria-label={wide ?? t('more')}>{wide}</Button>
    </Dropdown>
  )
}

export function sectionsOf(f: Form, content: string, rest_: string): { id: string; label: string | Form['label']; fields: Field[] }[] {
  const by = new Map(f.fields.map((x) => [x.id, x]))
  const listed = new Set(f.sections.flatMap((s) => s.fields))
  const out = f.sections.map((s) => ({ id: s.id, label: s.label, fields: s.fields.map((x) => by.get(x)).filter((x): x is Field => !!x) }))
  const rest = f.fields.filter((x) => !listed.has(x.id))
  if (rest.length) out.push({ id: 'rest', label: f.sections.length ? rest_ : content, fields: rest })
  return out
}

/** Why something reads ***: what it counts as, and the clause that closes it to this reader. */
function Closed({ of }: { of: Field[] }) {
  const { t, w } = useWords()
  const why = [...new Map(of.flatMap((x) => (x.closed ? [[w(x.closed.label) + x.closed.clause, x.closed] as const] : []))).values()]
  if (!why.length) return null
  return <p className="soft small closed-why">{why.map((c, i) => <span key={i}>{i > 0 && t('semicolon')}{t('closed.why', { what: w(c.label) })} <ClauseChip id={c.clause} /></span>)}</p>
}

/** The form as filled: only what has a value; a zero nobody entered is not an entry. */
function Content({ form: f, rec: r }: { form: Form; rec: Rec }) {
  const { t, w } = useWords()
  const [whole, setWhole] = useState(false)
  const told = (x: Field) => {
    const v = r.values[x.id]
    if (missing(v)) return false
    if (x.computed && (v === '0' || v === '0.00' || v === 0 || v === '0.000')) return false
    if (v === false && !x.required) return whole
    return !(/^(money|quantity|decimal|int|percent)$/.test(x.type) && /^0(\.0+)?$/.test(String(v)) && !x.required) || whole
  }
  const sections = sectionsOf(f, t('content'), t('content.rest')).map((s) => ({ ...s, fields: whole ? s.fields : s.fields.filter(told) })).filter((s) => s.fields.length)
  return (
    <>
      {sections.map((s, i) => (
        <Card key={s.id} title={w(s.label)} extra={i === 0 ? <button type="button" className="link small" onClick={() => setWhole(!whole)}>{whole ? t('content.filled') : t('content.whole')}</button> : undefined}>
          <dl className="content">
            {s.fields.map((x) => (
              <div key={x.id} className={kindOf(x).wide || (typeof r.values[x.id] === 'string' && String(r.values[x.id]).length > 40) ? 'wide' : ''}>
                <dt>{w(x.label)}</dt>
                <dd><FieldView field={x} value={r.values[x.id]} record={r.reveal?.[x.id] ? { form: r.form, id: r.id } : undefined} /></dd>
              </div>
            ))}
          </dl>
          <Closed of={s.fields.filter((x) => masked(r.values[x.id]) !== null)} />
          <SectionChart form={f} section={s.id} of={(id) => r.values[id]} />
        </Card>
      ))}
      {f.lines.filter((l) => r.lines?.[l.id]?.length).map((l) => (
        <Card key={l.id} title={<>{w(l.label)} {r.lines[l.id].length}</>}><LineTable line={l} rows={r.lines[l.id]} /></Card>
      ))}
    </>
  )
}

/** What is still closed: each with its reason and who may; those waiting only for a later stage are folded. */
function ClosedActs({ rec: r }: { rec: Rec }) {
  const { t, w } = useWords()
  const [all, setAll] = useState(false)
  const list = (r.actions.closed ?? []).filter((a) => !QUIET.includes(a.id) && a.problem)
  if (!list.length) return null
  const near = list.filter((a) => a.problem.group !== 'state')
  const shown = all ? list : (near.length ? near : list).slice(0, 5)
  return (
    <Card title={t('closed')}>
      <ul className="closed">
        {shown.map((a) => {
          const items = a.problem.items ?? []
          const law = a.clause || items.find((x) => x.clause)?.clause
          const says = [...new Set(items.map((x) => w(x.say)))]
          return (
            <li key={a.id}>
              <LockOutlined aria-hidden />
              <div>
                <b>{w(a.label)}</b> <ClauseChip id={law} />
                <div>{says.slice(0, 3).join(t('semicolon')) || a.problem.detail}{says.length > 3 ? t('and_more', { count: says.length - 3 }) : ''}</div>
                {!!a.problem.who_may?.length && <div className="soft small">{t('who_may')} <People list={a.problem.who_may} max={3} /></div>}
                {a.problem.group === 'who' && !a.problem.who_may?.length && <div className="soft small">{t('nobody_may')}</div>}
              </div>
            </li>
          )
        })}
      </ul>
      {list.length > shown.length && <button type="button" className="link small" onClick={() => setAll(true)}>{t('closed.later', { count: list.length - shown.length })}</button>}
    </Card>
  )
}

function Copies({ form: f, rec: r }: { form: Form; rec: Rec }) {
  const { t, w, lang } = useWords()
  const now = useNow()
  const at = (s?: string | null) => { const x = parse(s); return x === null ? '' : absolute(x, now, lang) }
  if (!f.copies?.length) return null
  const given = new Map((r.copies ?? []).map((c) => [c.mark, c] as [string, Copy]))
  const color: Record<string, string> = { 第一联: 'white', 第二联: 'red', 第三联: 'yellow', 第四联: 'blue', 第五联: 'green' }
  return (
    <Card title={t('copies')}>
      <ul className="rows copies">
        {f.copies.map((c, i) => {
          const g = given.get(c.mark)
          return (
            <li key={c.mark}>
              <b className={`copy ${color[c.mark] ?? ''}`}>{copyName(f.copies!, i)}</b> {w(c.to)}{g && Array.isArray(g.to) && <span className="soft"><People list={g.to as Person[]} max={2} /></span>}
              <span className="soft small">{g ? (g.received_at ? t('copy.received', { at: at(g.received_at) }) : t('copy.sent', { at: at(g.at) })) : t('copy.not_yet')}</span>
            </li>
          )
        })}
      </ul>
    </Card>
  )
}

function RelatedRecords({ rec: r }: { rec: Rec }) {
  const { t, w } = useWords()
  const forms = useForms()
  const go = useNavigate()
  const list = (r.related ?? []).filter((x) => x.rows?.length)
  const name = [r.number, r.title].filter(Boolean)[0] ?? ''
  const opens = (r.opens ?? []).map((x) => ({ key: x.form, label: w(x.label), onClick: () => go(`/register/${x.form}/new?${x.field}=${r.id}&${x.field}.label=${encodeURIComponent(name)}`) }))
  if (!list.length && !opens.length) return null
  return (
    <Card title={t('related')} extra={opens.length > 0 && <Dropdown trigger={['click']} menu={{ items: opens }}><Button size="small">{t('related.open')}</Button></Dropdown>}>
      <ul className="rows">
        {list.map((x) => {
          const label = w(x.label) || w(forms.data?.find((f) => f.key === x.form)?.label)
          return (
            <li key={x.form + x.relation}>
              <div className="soft small">{label}{x.total > 1 ? ` ${x.total}` : ''}</div>
              {x.rows.slice(0, 4).map((y) => (
                <div key={y.id} className="rel"><Link to={`/record/${x.form}/${y.id}`}>{[y.number, y.title].filter((s, i, a) => s && a.indexOf(s) === i).join(' ') || t('open')}</Link> <span className="soft small">{w(y.state_label)}</span></div>
              ))}
              {x.total > 4 && <div className="soft small">{t('related.more', { count: x.total - 4 })}</div>}
            </li>
          )
        })}
      </ul>
    </Card>
  )
}

/** Which rulebook binds this record; who made it, when. */
function Bound({ rec: r }: { rec: Rec }) {
  const { t, lang } = useWords()
  const now = useNow()
  const books = useGet<{ id: string; title: unknown; version?: string }[]>('/api/rulebook', undefined, { staleTime: 600_000 })
  const { w } = useWords()
  const book = books.data?.find((b) => b.id === r.book)
  const at = parse(r.at)
  return (
    <p className="soft small bound">
      {t('bound.by', { who: [r.by?.name, r.unit?.name].filter(Boolean).join(' '), at: at === null ? '' : absolute(at, now, lang) })}
      {book && book.id !== 'base' && <> {t('bound.book')} <Link to={`/rulebook/${book.id}`}>{w(book.title)} {r.version}</Link></>}
    </p>
  )
}

/** `open` is the act as it stood when it was begun: another's act may have closed it since, which the server then says in words. */
function Edit({ form, rec, open, onClose, onDone }: { form: Form; rec: Rec; open: ActionOpen; onClose: () => void; onDone: () => void }) {
  const fields = open.fill?.length ? open.fill : form.fields.filter((f) => !f.computed).map((f) => ({ field: f.id, required: !!f.required }))
  return <ActionDialog form={form} rec={rec} action={{ ...open, fill: fields, lines: open.lines?.length ? open.lines : form.lines }} onClose={onClose} onDone={onDone} />
}
