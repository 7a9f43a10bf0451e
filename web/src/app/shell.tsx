// The frame: rail, header, bar of four on a phone, the band of the sample company, global keys.
import { AuditOutlined, BarChartOutlined, BellOutlined, BookOutlined, CalendarOutlined, DashboardOutlined, FileTextOutlined, InboxOutlined, MenuOutlined, PayCircleOutlined, PlusOutlined, ScanOutlined, SearchOutlined, SettingOutlined, TeamOutlined } from '@ant-design/icons'
import { Button, Dropdown, Tooltip } from 'antd'
import { lazy, Suspense, useLayoutEffect, useRef, useState, type ReactNode } from 'react'
import { NavLink, Outlet, useLocation, useNavigate, useNavigationType } from 'react-router'
import { queries, useGet } from '../api/query'
import { call } from '../api/client'
import { serverNow, useNow } from './clock'
import { useLarge, useMedia, usePhone } from './device'
import { setLanguage, useWords } from './i18n'
import { useKeys } from './keys'
import { useSession } from './session'
import { absolute, clockTime, fullDay, parse } from './time'
import { Alarms } from '../elements/alarms'
import { ClauseProvider } from '../elements/clause'
import { Key, Loading } from '../elements/parts'

// what opens on a press comes on the press: the first load stays small for phones
const ClockHand = lazy(() => import('./hand'))
const Commands = lazy(() => import('./commands'))
const KeyList = lazy(() => import('./keylist'))
const NewMenu = lazy(() => import('./new'))
const Scan = lazy(() => import('./scan'))
const SignInAgain = lazy(() => import('../pages/sign-in-again'))

interface Place { to: string; label: string; icon: ReactNode; count?: number; right?: string }

export function Shell() {
  const { t, lang } = useWords()
  const { me, lost, again } = useSession()
  const phone = usePhone()
  const narrow = useMedia('(max-width: 1199px)')
  const go = useNavigate()
  const where = useLocation()
  const how = useNavigationType()
  useLayoutEffect(() => { if (how !== 'POP' && !where.hash) window.scrollTo(0, 0) }, [where.pathname]) // another page begins at its top; going back is the browser's
  const [commands, setCommands] = useState<string | null>(null)
  const [keys, setKeys] = useState(false)
  const [making, setMaking] = useState(false)
  const [scanning, setScanning] = useState(false)
  const search = useRef<HTMLButtonElement>(null)
  const tasks = useGet<{ late: number; today: number }>('/api/task/count', undefined, { refetchInterval: 120_000 })
  const notices = useGet<{ unread: number }>('/api/notice', undefined, { refetchInterval: 120_000 })
  useKeys({
    '/': () => setCommands(''),
    'mod+k': () => setCommands(''),
    n: () => setMaking(true),
    'g w': () => go('/'),
    'g c': () => go('/register/base.customer'),
    'g r': () => go('/register'),
    'g b': () => go('/board'),
    '?': () => setKeys(true),
  })
  if (!me) return null
  const due = (tasks.data?.late ?? me.counts.late) + (tasks.data?.today ?? me.counts.today)
  const has = (r?: string) => !r || me.rights.includes(r)
  const places: Place[] = [
    { to: '/', label: t('nav.workbench'), icon: <InboxOutlined />, count: due },
    { to: '/register/base.customer', label: t('nav.customers'), icon: <TeamOutlined /> },
    { to: '/register', label: t('nav.registers'), icon: <FileTextOutlined /> },
    { to: '/calendar', label: t('nav.calendar'), icon: <CalendarOutlined /> },
    { to: '/board', label: t('nav.board'), icon: <DashboardOutlined /> },
    { to: '/rulebook', label: t('nav.rulebook'), icon: <BookOutlined /> },
    { to: '/report', label: t('nav.report'), icon: <BarChartOutlined /> },
    { to: '/ledger', label: t('nav.ledger'), icon: <PayCircleOutlined /> },
    { to: '/audit', label: t('nav.audit'), icon: <AuditOutlined />, right: 'audit' },
    { to: '/settings', label: t('nav.settings'), icon: <SettingOutlined /> },
  ].filter((p) => has((p as Place).right))
  const on = (to: string) => (to === '/' ? where.pathname === '/' : to === '/register' ? /^\/(register|record)(\/|$)/.test(where.pathname) && !/base\.customer/.test(where.pathname) : to === '/register/base.customer' ? /\/(register|record)\/base\.customer/.test(where.pathname) : where.pathname.startsWith(to))
  const link = (p: Place) => (
    <NavLink key={p.to} to={p.to} className={on(p.to) ? 'on' : ''} aria-current={on(p.to) ? 'page' : undefined} aria-label={narrow && !phone ? [p.label, p.count].filter(Boolean).join(' ') : undefined}>
      <span aria-hidden="true">{p.icon}</span>
      <span className="label">{p.label}</span>
      {!!p.count && <b className="badge" aria-label={t('nav.due', { count: p.count })}>{p.count > 99 ? '99+' : p.count}</b>}
    </NavLink>
  )
  return (
    <ClauseProvider>
      <a className="skip" href="#main">{t('skip')}</a>
      <div className={`shell ${phone ? 'is-phone' : narrow ? 'is-folded' : ''}`}>
        {!phone && (
          <nav className="rail" aria-label={t('nav.main')}>
            <div className="brand"><span className="seal" aria-hidden="true">柜</span><b className="label">{t('brand')}</b></div>
            {places.map((p) => (narrow ? <Tooltip key={p.to} placement="right" title={p.label}>{link(p)}</Tooltip> : link(p)))}
          </nav>
        )}
        <div className="frame">
          <header className="top">
            {phone && <span className="seal" aria-hidden="true">柜</span>}
            <button ref={search} type="button" className="search-box" onClick={() => setCommands('')}>
              <SearchOutlined aria-hidden /> <span>{phone ? t('search.short') : t('search.hint')}</span> {!phone && <Key>/</Key>}
            </button>
            <span className="grow" />
            {!phone && <Button icon={<PlusOutlined />} onClick={() => setMaking(true)}>{t('new')} <Key>N</Key></Button>}
            <button type="button" className="bell" aria-label={t('notices.n', { count: notices.data?.unread ?? 0 })} onClick={() => go('/notice')}>
              <BellOutlined aria-hidden />
              {!!notices.data?.unread && <b className="badge">{notices.data.unread > 99 ? '99+' : notices.data.unread}</b>}
            </button>
            <PersonMenu places={phone ? places.slice(2) : []} onKeys={() => setKeys(true)} />
          </header>
          {me.clock.manual && <Suspense fallback={<div className="band hand">{t('hand.band')}</div>}><ClockHand /></Suspense>}
          {lost !== null && <div className="band away" role="status">{t('lost', { at: clockTime(lost) })}</div>}
          {me.enrol_by && <div className="band" role="status">{t('factor.banner', { at: absolute(parse(me.enrol_by)!, serverNow(), lang) })} <NavLink to="/me">{t('factor.banner_do')}</NavLink></div>}
          <main id="main" tabIndex={-1}>
            <Suspense fallback={<Loading rows={8} />}><Outlet /></Suspense>
            <Alarms />
          </main>
        </div>
        {phone && (
          <nav className="bar" aria-label={t('nav.main')}>
            <NavLink to="/" end className={on('/') ? 'on' : ''}><InboxOutlined aria-hidden /><span>{t('nav.mine')}</span>{due > 0 && <b className="badge">{due > 99 ? '99+' : due}</b>}</NavLink>
            <button type="button" onClick={() => setScanning(true)}><ScanOutlined aria-hidden /><span>{t('scan')}</span></button>
            <button type="button" onClick={() => setMaking(true)}><PlusOutlined aria-hidden /><span>{t('nav.note')}</span></button>
            <NavLink to="/register/base.customer" className={on('/register/base.customer') ? 'on' : ''}><TeamOutlined aria-hidden /><span>{t('nav.customers')}</span></NavLink>
          </nav>
        )}
      </div>
      <Suspense fallback={null}>
      {commands !== null && <Commands places={places.map((p) => ({ to: p.to, label: p.label }))} onScan={() => setScanning(true)} onClose={() => setCommands(null)} />}
      {scanning && <Scan onClose={() => setScanning(false)} />}
      {making && <NewMenu onClose={() => setMaking(false)} />}
      {keys && <KeyList onClose={() => setKeys(false)} />}
      {again && <SignInAgain />}
      </Suspense>
      <span className="sr" lang={lang === 'zh' ? 'zh-CN' : 'en'} />
    </ClauseProvider>
  )
}

function PersonMenu({ places, onKeys }: { places: Place[]; onKeys: () => void }) {
  const { t, lang } = useWords()
  const { me, settleAgain } = useSession()
  const phone = usePhone()
  const now = useNow()
  const go = useNavigate()
  const [large, setLarge] = useLarge()
  const out = async () => {
    await call('DELETE', '/api/session', { quiet: true }).catch(() => undefined)
    queries.clear()
    settleAgain(false)
    go('/')
  }
  return (
    <Dropdown
      trigger={['click']}
      menu={{
        items: [
          { key: 'who', disabled: true, label: <span>{me!.person.name} {me!.person.post}<br /><small>{me!.person.unit?.name}　{me!.company.name}</small><br /><small>{fullDay(now, lang)}</small></span> },
          ...places.map((p) => ({ key: p.to, icon: p.icon, label: p.label, onClick: () => go(p.to) })),
          { type: 'divider' as const },
          { key: 'me', label: t('me.title'), onClick: () => go('/me') },
          { key: 'lang', label: lang === 'zh' ? 'English' : '中文', onClick: () => { setLanguage(lang === 'zh' ? 'en' : 'zh'); void queries.invalidateQueries() } },
          { key: 'large', label: large ? t('large.off') : t('large.on'), onClick: () => setLarge(!large) },
          ...(phone ? [] : [{ key: 'keys', label: t('keys.title'), onClick: onKeys }]),
          { key: 'out', label: t('sign_out'), onClick: () => void out() },
        ],
      }}
    >
      <button type="button" className="person" aria-label={phone ? t('me.menu', { name: me!.person.name }) : undefined} title={t('me.menu', { name: me!.person.name })}>
        <span className="avatar" aria-hidden="true">{phone ? <MenuOutlined /> : me!.person.name.slice(0, 1)}</span>
        {!phone && <span className="who">{me!.person.name} <span className="soft">{me!.person.unit?.name}</span></span>}
      </button>
    </Dropdown>
  )
}
