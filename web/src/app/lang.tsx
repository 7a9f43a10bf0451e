import { createContext, useContext } from 'react'
import { words, type Word } from '../locales/words'
import type { Text } from '../api/types'

export type Lang = 'zh' | 'en'
export const LangContext = createContext<Lang>('zh')
export const useLang = () => useContext(LangContext)

/** t says a word of the interface; l picks the reader's language of a label from the server. */
export function useText() {
  const lang = useLang()
  return {
    lang,
    t: (w: Word) => words[w][lang === 'zh' ? 0 : 1],
    l: (x: Text | unknown): string => {
      if (x === null || x === undefined) return ''
      if (typeof x === 'string') return x
      if (typeof x === 'object') {
        const o = x as Record<string, unknown>
        const s = o[lang] ?? o.zh ?? o.en ?? o.label ?? o.name
        return typeof s === 'object' ? '' : String(s ?? '')
      }
      return String(x)
    },
  }
}
