// The statutory holidays have their Chinese names in the calendar's data; companies name days of their own as they like.
import type { Lang } from './time'

const english: Record<string, string> = { 元旦: "New Year's Day", 春节: 'Spring Festival', 清明: 'Tomb-Sweeping Day', 劳动节: 'Labour Day', 端午: 'Dragon Boat Festival', 中秋: 'Mid-Autumn Festival', 国庆节: 'National Day' }

/** 国庆节、中秋 and 国庆节调休 are read, too. */
export function dayName(name: string, lang: Lang): string {
  if (lang === 'zh' || !name) return name
  const instead = name.endsWith('调休')
  const parts = name.replace(/调休$/, '').split('、').map((p) => english[p])
  return parts.some((p) => !p) ? name : parts.join(', ') + (instead ? ', make-up day' : '')
}
