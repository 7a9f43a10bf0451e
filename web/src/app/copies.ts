// What a copy of a form is called: its own name on paper, and by its place in English.
import { language } from './i18n'

const counted = /^第([一二三四五六七八九])[联份]$/

/** place: where it stands among the form's copies, from 0 */
export const copyName = (mark: string, place: number): string =>
  language() === 'zh' ? mark : `Copy ${'一二三四五六七八九'.indexOf(counted.exec(mark)?.[1] ?? '') + 1 || place + 1}`
