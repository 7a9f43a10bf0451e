import { QueryClientProvider } from '@tanstack/react-query'
import { Button, ConfigProvider } from 'antd'
import en from 'antd/locale/en_US'
import zh from 'antd/locale/zh_CN'
import { StrictMode, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { BrowserRouter, NavLink, Route, Routes, useNavigate } from 'react-router'
import { LangContext, useText, type Lang } from './app/lang'
import { dataTime } from './app/time'
import { useNow } from './app/clock'
import { accept, call, get, onSignedOut, setLanguageHeader } from './api/client'
import { queries } from './api/query'
import type { Me } from './api/types'
import { Loading } from './elements/parts'
import { BookPage, Books, SignIn, Workbench } from './pages/desk'
import { NewRecord, RecordPage } from './pages/record'
import { Register, Registers } from './pages/records'
import './style.css'

const theme = {
  token: { colorPrimary: '#1d5b9e', colorInfo: '#1d5b9e', colorLink: '#1d5b9e', colorText: '#1b2430', colorTextSecondary: '#5a6675', colorBorder: '#8a95a3', colorBgLayout: '#f6f7f9', colorError: '#b42318', borderRadius: 6,
    fontFamily: '-apple-system, "PingFang SC", "HarmonyOS Sans SC", MiSans, "Segoe UI", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif' },
}

function Shell({ me, setLang, onOut }: { me: Me; setLang: (l: Lang) => void; onOut: () => void }) {
  const { t, lang } = useText()
  const go = useNavigate()
  const now = useNow()
  useEffect(() => {
    const keys = (e: KeyboardEvent) => {
      const el = e.target as HTMLElement
      if (e.isComposing || e.keyCode === 229 || e.ctrlKey || e.metaKey || e.altKey || ['INPUT', 'TEXTAREA', 'SELECT'].includes(el.tagName) || el.isContentEditable) return
      if (e.key === '/') { e.preventDefault(); document.querySelector<HTMLInputElement>('.find input')?.focus() }
      if (e.key === 'w') go('/')
      if (e.key === 'r') go('/register')
    }
    window.addEventListener('keydown', keys)
    return () => window.removeEventListener('keydown', keys)
  }, [go])
  const turn = async (advance: string) => {
    await call('POST', '/api/clock', { body: { advance } })
    accept(await get<Me>('/api/me'))
    await queries.invalidateQueries()
  }
  const links = [['/', t('workbench')], ['/register', t('registers')], ['/register/base.customer', t('subject') && (lang === 'zh' ? '客户' : 'Customers')], ['/rulebook', t('rulebooks')]] as const
  return (
    <div className="shell">
      <nav aria-label={t('brand')}>
        <div className="brand"><span className="seal">柜</span> <b>{t('brand')}</b></div>
        {links.map(([to, label]) => <NavLink key={to} to={to} end>{label}</NavLink>)}
      </nav>
      <div className="page">
        <div className="top">
          <span>{me.company.name}</span>
          <span className="grow" />
          <span>{me.person.name}　{me.person.unit?.name}</span>
          <Button size="small" onClick={() => setLang(lang === 'zh' ? 'en' : 'zh')}>{t('language')}</Button>
          <Button size="small" onClick={onOut}>{t('signOut')}</Button>
        </div>
        {me.clock.manual && <div className="band">{t('clockBand')}　{dataTime(now)}　<Button size="small" onClick={() => turn('1h')}>{t('turnHour')}</Button> <Button size="small" onClick={() => turn('1d')}>{t('turnDay')}</Button></div>}
        <main>
          <Routes>
            <Route path="/" element={<Workbench />} />
            <Route path="/register" element={<Registers />} />
            <Route path="/register/:key" element={<Register />} />
            <Route path="/register/:key/new" element={<NewRecord />} />
            <Route path="/record/:key/:id" element={<RecordPage />} />
            <Route path="/rulebook" element={<Books />} />
            <Route path="/rulebook/:id" element={<BookPage />} />
            <Route path="*" element={<Workbench />} />
          </Routes>
        </main>
      </div>
    </div>
  )
}

function App() {
  const [lang, set] = useState<Lang>(() => (localStorage.getItem('lang') === 'en' ? 'en' : 'zh'))
  const [me, setMe] = useState<Me | null | undefined>(undefined)
  const setLang = (l: Lang) => {
    localStorage.setItem('lang', l)
    set(l)
    void queries.invalidateQueries()
  }
  setLanguageHeader(lang === 'zh' ? 'zh-CN' : 'en')
  useEffect(() => { document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en' }, [lang])
  useEffect(() => {
    onSignedOut(async () => { setMe(null); return false })
    call<Me>('GET', '/api/me', { quiet: true }).then((m) => setMe(accept(m)), () => setMe(null))
  }, [])
  const out = async () => {
    await call('DELETE', '/api/session').catch(() => undefined)
    queries.clear()
    setMe(null)
  }
  return (
    <LangContext.Provider value={lang}>
      <ConfigProvider theme={theme} locale={lang === 'zh' ? zh : en} button={{ autoInsertSpace: false }}>
        <QueryClientProvider client={queries}>
          <BrowserRouter>
            {me === undefined ? <Loading /> : me === null ? <SignIn onDone={(m) => { queries.clear(); setMe(m) }} /> : <Shell me={me} setLang={setLang} onOut={out} />}
          </BrowserRouter>
        </QueryClientProvider>
      </ConfigProvider>
    </LangContext.Provider>
  )
}

createRoot(document.getElementById('root')!).render(<StrictMode><App /></StrictMode>)
