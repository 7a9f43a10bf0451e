// A value as one line of words, where no field is at hand: facts of a refusal, parameters, changes.
import { number } from '../app/money'
import { absolute, parse, span } from '../app/time'
import { serverNow } from '../app/clock'
import { words } from '../app/i18n'
import type { Lang } from '../app/time'

export function plain(value: unknown, lang: Lang): string {
  if (value === null || value === undefined || value === '') return '—'
  if (typeof value === 'boolean') return lang === 'zh' ? (value ? '是' : '否') : value ? 'yes' : 'no'
  if (typeof value === 'number') return number(value)
  if (Array.isArray(value)) return value.map((v) => plain(v, lang)).join(lang === 'zh' ? '、' : ', ') || '—'
  if (typeof value === 'object') {
    const o = value as Record<string, unknown>
    if (o.erased) return lang === 'zh' ? '已擦除' : 'erased'
    if ('masked' in o) return String(o.masked)
    return words(value, lang) || '—'
  }
  const s = String(value)
  if (/^-?\d+\.\d+$/.test(s)) return number(s)
  if (/^\d{4}-\d{2}-\d{2}T/.test(s)) {
    const at = parse(s)
    return at === null ? s : absolute(at, serverNow(), lang)
  }
  if (/^\d+(wd|wh|wm|mo|d|h|m|w|y)$/.test(s)) return span(s, lang)
  return s
}
