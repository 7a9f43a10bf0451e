// What a copy of a form is called: its own name on paper, and by its number in English.
import { language } from './i18n'

const counted = /^第([一二三四五六七八九])[联份]$/

/** The copies of a form, and which of them (from 0). One that has no number has its place, unless others of the form are numbered. */
export const copyName = (copies: { mark: string }[], place: number): string => {
  const mark = copies[place].mark
  if (language() === 'zh') return mark
  const number = counted.exec(mark)?.[1]
  if (number) return `Copy ${'一二三四五六七八九'.indexOf(number) + 1}`
  return copies.some((c) => counted.test(c.mark)) ? 'Copy' : `Copy ${place + 1}`
}
