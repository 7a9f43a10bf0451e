import i18n from 'i18next'
import { initReactI18next, useTranslation } from 'react-i18next'
import { setLanguageHeader } from '../api/client'
import type { Text } from '../api/types'
import zh from '../locales/zh'
import en from '../locales/en'
import type { Lang } from './time'

const KEY = 'zg:language'
const stored = (): Lang => {
  try {
    return localStorage.getItem(KEY) === 'en' ? 'en' : 'zh'
  } catch {
    return 'zh'
  }
}

void i18n.use(initReactI18next).init({
  lng: stored(),
  fallbackLng: 'zh',
  resources: { zh: { translation: zh }, en: { translation: en } },
  keySeparator: false,
  nsSeparator: false,
  interpolation: { escapeValue: false },
  initAsync: false,
})

function apply(lang: Lang) {
  setLanguageHeader(lang === 'zh' ? 'zh-CN' : 'en')
  if (typeof document !== 'undefined') document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en'
}
apply(stored())

export const language = (): Lang => (i18n.language === 'en' ? 'en' : 'zh')

export function setLanguage(lang: Lang) {
  try {
    localStorage.setItem(KEY, lang)
  } catch {
    // a browser that keeps nothing still switches for this visit
  }
  apply(lang)
  void i18n.changeLanguage(lang)
}

/** A label from the server in the reader's language; the Chinese is the law, so it stands in where English is missing. */
export function words(text: Text | unknown, lang: Lang = language()): string {
  if (text === null || text === undefined) return ''
  if (typeof text === 'string') return text
  if (typeof text === 'number') return String(text)
  if (typeof text === 'object') {
    const t = text as Record<string, unknown>
    if (typeof t.zh === 'string' || typeof t.en === 'string') return String((lang === 'en' ? t.en || t.zh : t.zh || t.en) ?? '')
    if (t.name) return words(t.name, lang)
    if (t.label) return words(t.label, lang)
  }
  return ''
}

export function useWords() {
  const { t } = useTranslation()
  const lang = language()
  return { t, lang, w: (x: Text | unknown) => words(x, lang) }
}
