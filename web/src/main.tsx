import { createRoot } from 'react-dom/client'
import './app/i18n'
import './app/style.css'
import { App } from './app/app'

createRoot(document.getElementById('root')!).render(<App />)
