// Providers and routes: the table of contents of the web.
import { QueryClientProvider } from '@tanstack/react-query'
import { LoadingOutlined } from '@ant-design/icons'
import { ConfigProvider } from 'antd'
import enUS from 'antd/locale/en_US'
import zhCN from 'antd/locale/zh_CN'
import dayjs from 'dayjs'
import 'dayjs/locale/zh-cn'
import { lazy, Suspense, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createBrowserRouter, RouterProvider, useRouteError } from 'react-router'
import { queries } from '../api/query'
import { Failed, Loading } from '../elements/parts'
import { Founded, MustEnrol } from '../pages/factor'
import { FOUNDING } from '../pages/first-run'
import { ChangePassword } from '../pages/password'
import { Reset } from '../pages/reset'
import { SignIn } from '../pages/sign-in'
import Workbench from '../pages/workbench'
import { useLarge, useMedia } from './device'
import { useWords } from './i18n'
import { SessionProvider, useSession } from './session'
import { Shell } from './shell'
import { theme } from './theme'

const page = (load: () => Promise<{ default: React.ComponentType }>) => lazy(load)
const List = page(() => import('../pages/list'))
const Registers = page(() => import('../pages/registers'))
const NewRecord = page(() => import('../pages/new-record'))
const Exports = page(() => import('../pages/exports'))
const Import = page(() => import('../pages/import'))
const Merge = page(() => import('../pages/merge'))
const AlikePage = page(() => import('../pages/alike'))
const RecordPage = page(() => import('../pages/record'))
const PersonalCopy = page(() => import('../pages/personal-copy'))
const Print = page(() => import('../pages/print'))
const Books = page(() => import('../pages/books'))
const Book = page(() => import('../pages/book'))
const Reports = page(() => import('../pages/report'))
const Ledger = page(() => import('../pages/ledger'))
const Board = page(() => import('../pages/board'))
const Answer = page(() => import('../pages/answer'))
const Wall = page(() => import('../pages/wall'))
const Calendar = page(() => import('../pages/calendar'))
const Audit = page(() => import('../pages/audit'))
const Settings = page(() => import('../pages/settings'))
const People = page(() => import('../pages/people'))
const Leave = page(() => import('../pages/leave'))
const Notices = page(() => import('../pages/notice'))
const Diff = page(() => import('../pages/diff'))
const Adopt = page(() => import('../pages/adopt'))
const Search = page(() => import('../pages/search'))
const Prove = page(() => import('../pages/prove'))
const Mine = page(() => import('../pages/mine'))

function Broken() {
  const error = useRouteError()
  // a page whose part is gone after an update comes back with one fresh load
  useEffect(() => {
    if (/dynamically imported|Importing a module|preload/i.test(String(error)) && !sessionStorage.getItem('zg:reloaded')) {
      sessionStorage.setItem('zg:reloaded', '1')
      location.reload()
    }
  }, [error])
  return <main id="main" className="narrow"><Failed error={error} again={() => location.reload()} /></main>
}

function NotHere() {
  const { t } = useWords()
  return <p className="card pad">{t('not_here')}</p>
}

function Gate() {
  const { me, loading } = useSession()
  const [founded, setFounded] = useState(0)
  if (loading) return <main id="main"><Loading rows={8} /></main>
  if (!me) return <SignIn />
  if (me.must_change) return <main id="main" className="signin"><ChangePassword must /></main>
  if (sessionStorage.getItem(FOUNDING)) return <Founded key={founded} onDone={() => { sessionStorage.removeItem(FOUNDING); setFounded(1) }} />
  if (me.must_enrol) return <MustEnrol />
  return <Shell />
}
function Alone({ children }: { children: React.ReactNode }) {
  const { me, loading } = useSession()
  if (loading) return <Loading rows={8} />
  return me ? children : <SignIn />
}

/** Over whatever page asked for it. */
function Proof() {
  const { proving } = useSession()
  return proving ? <Suspense fallback={null}><Prove key={proving.prove?.for} /></Suspense> : null
}

const router = createBrowserRouter([
  {
    element: <Gate />,
    errorElement: <Broken />,
    children: [
      {
        errorElement: <Broken />,
        children: [
          { path: '/', element: <Workbench /> },
          { path: '/register', element: <Registers /> },
          { path: '/register/:key', element: <List /> },
          { path: '/register/:key/new', element: <NewRecord /> },
          { path: '/register/:key/import', element: <Import /> },
          { path: '/register/:key/alike', element: <AlikePage /> },
          { path: '/record/:key/:id/merge', element: <Merge /> },
          { path: '/exports', element: <Exports /> },
          { path: '/record/:key/:id', element: <RecordPage /> },
          { path: '/rulebook', element: <Books /> },
          { path: '/rulebook/:id', element: <Book /> },
          { path: '/rulebook/:id/:clause', element: <Book /> },
          { path: '/rulebook/:id/diff/:with', element: <Diff /> },
          { path: '/clause/:clause', element: <Book /> },
          { path: '/report', element: <Reports /> },
          { path: '/ledger', element: <Ledger /> },
          { path: '/ledger/:id', element: <Ledger /> },
          { path: '/board', element: <Board /> },
          { path: '/calendar', element: <Calendar /> },
          { path: '/audit', element: <Audit /> },
          { path: '/settings', element: <Settings /> },
          { path: '/settings/:book', element: <Settings /> },
          { path: '/adopt/:book', element: <Adopt /> },
          { path: '/people/:id', element: <People /> },
          { path: '/people/:id/leave', element: <Leave /> },
          { path: '/notice', element: <Notices /> },
          { path: '/search', element: <Search /> },
          { path: '/me', element: <Mine /> },
          { path: '*', element: <NotHere /> },
        ],
      },
    ],
  },
  { path: '/personal-copy/:id', element: <Alone><PersonalCopy /></Alone>, errorElement: <Broken /> },
  { path: '/record/:key/:id/print', element: <Alone><Print /></Alone>, errorElement: <Broken /> },
  { path: '/reset', element: <Reset />, errorElement: <Broken /> },
  { path: '/answer', element: <Answer />, errorElement: <Broken /> },
  { path: '/wall', element: <Wall />, errorElement: <Broken /> },
])

// the library's own waiting sign leaves by an animation, and stays in the button, and in the ear, where none runs to its end
const button = { autoInsertSpace: false, loadingIcon: <LoadingOutlined /> }

export function App() {
  useTranslation() // the whole redraws when the language changes
  const { lang } = useWords()
  const [large] = useLarge()
  const touch = useMedia('(max-width: 767px)')
  dayjs.locale(lang === 'zh' ? 'zh-cn' : 'en')
  useEffect(() => {
    document.documentElement.classList.toggle('large', large)
  }, [large])
  return (
    <ConfigProvider theme={theme(large, touch)} locale={lang === 'zh' ? zhCN : enUS} button={button}>
      <QueryClientProvider client={queries}>
        <SessionProvider>
          <RouterProvider router={router} key={lang} />
          <Proof />
        </SessionProvider>
      </QueryClientProvider>
    </ConfigProvider>
  )
}
