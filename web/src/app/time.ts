// Time in words. Everything is shown in the company's zone; the clock is the server's, never the device's.

export type Lang = 'zh' | 'en'
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

let zone = 'Asia/Shanghai'
let wall = wallClock(zone)
const east_ = new Map<number, number>()

function wallClock(z: string) {
  return new Intl.DateTimeFormat('en-US', { timeZone: z, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
}

/** The company's zone, as the server names it; one the browser does not know leaves what was. */
export function setZone(z: string | undefined) {
  if (!z || z === zone) return
  try {
    wall = wallClock(z)
  } catch {
    return
  }
  zone = z
  east_.clear()
}

/** Milliseconds east of Greenwich at a moment; it changes on quarters of an hour at most. */
function east(at: number): number {
  const k = Math.floor(at / (15 * MINUTE))
  const known = east_.get(k)
  if (known !== undefined) return known
  const p: Record<string, number> = {}
  for (const x of wall.formatToParts(k * 15 * MINUTE)) p[x.type] = Number(x.value)
  const off = Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - k * 15 * MINUTE
  east_.set(k, off)
  return off
}

/** The moment the company's wall clock shows a text such as 2026-03-18T09:30. */
export function fromWall(text: string): number {
  const t = Date.parse(text + 'Z')
  return t - east(t - east(t))
}

const WEEK_ZH = ['周日', '周一', '周二', '周三', '周四', '周五', '周六']
const WEEK_EN = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTH_EN = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (n: number) => String(n).padStart(2, '0')

interface Parts { y: number; m: number; d: number; w: number; H: number; M: number; S: number }

export function parts(at: number): Parts {
  const t = new Date(at + east(at))
  return { y: t.getUTCFullYear(), m: t.getUTCMonth() + 1, d: t.getUTCDate(), w: t.getUTCDay(), H: t.getUTCHours(), M: t.getUTCMinutes(), S: t.getUTCSeconds() }
}

export function parse(at: string | number | null | undefined): number | null {
  if (at === null || at === undefined || at === '') return null
  if (typeof at === 'number') return at
  const t = /^\d{4}-\d{2}-\d{2}$/.test(at) ? fromWall(at + 'T00:00:00') : Date.parse(at)
  return Number.isNaN(t) ? null : t
}

export function isoDate(at: number): string {
  const p = parts(at)
  return `${p.y}-${two(p.m)}-${two(p.d)}`
}

/** 2026-03-18 09:30, as data. */
export function dataTime(at: number): string {
  const p = parts(at)
  return `${p.y}-${two(p.m)}-${two(p.d)} ${two(p.H)}:${two(p.M)}`
}

export function clockTime(at: number): string {
  const p = parts(at)
  return `${two(p.H)}:${two(p.M)}`
}

/** 03-18 周三 17:30 within the same year, 2025-12-31 otherwise; a limit at midnight is 24:00 of the day before. */
export function absolute(at: number, now: number, lang: Lang, limit = false): string {
  let p = parts(at)
  let hm = `${two(p.H)}:${two(p.M)}`
  if (limit && p.H === 0 && p.M === 0 && p.S === 0) {
    p = parts(at - 1)
    hm = '24:00'
  }
  const today = parts(now)
  if (p.y !== today.y) {
    return lang === 'zh' ? `${p.y}-${two(p.m)}-${two(p.d)}` : `${p.d} ${MONTH_EN[p.m - 1]} ${p.y}`
  }
  if (p.m === today.m && p.d === today.d) return lang === 'zh' ? `今天 ${hm}` : `today ${hm}`
  return lang === 'zh' ? `${two(p.m)}-${two(p.d)} ${WEEK_ZH[p.w]} ${hm}` : `${WEEK_EN[p.w]} ${p.d} ${MONTH_EN[p.m - 1]}, ${hm}`
}

/** 03-18 周三 / Wed 18 Mar */
export function dayWords(at: number, lang: Lang): string {
  const p = parts(at)
  return lang === 'zh' ? `${two(p.m)}-${two(p.d)} ${WEEK_ZH[p.w]}` : `${WEEK_EN[p.w]} ${p.d} ${MONTH_EN[p.m - 1]}`
}

/** 周一 2026-03-16 */
export function fullDay(at: number, lang: Lang): string {
  const p = parts(at)
  return lang === 'zh' ? `${WEEK_ZH[p.w]} ${isoDate(at)}` : `${WEEK_EN[p.w]} ${p.d} ${MONTH_EN[p.m - 1]} ${p.y}`
}

const unit = (n: number, zh: string, one: string, many: string, lang: Lang) => (lang === 'zh' ? `${n} ${zh}` : `${n} ${n === 1 ? one : many}`)

/** A length in its two largest units, rounded down. `short`: below ten minutes as 3:12. */
export function length(ms: number, lang: Lang, short = false): string {
  const t = Math.max(0, ms)
  const d = Math.floor(t / DAY)
  const h = Math.floor((t % DAY) / HOUR)
  const m = Math.floor((t % HOUR) / MINUTE)
  if (d >= 3) return unit(d, '天', 'day', 'days', lang)
  if (d >= 1) return h ? `${unit(d, '天', 'day', 'days', lang)} ${unit(h, '小时', 'h', 'h', lang)}` : unit(d, '天', 'day', 'days', lang)
  if (h >= 1) return m ? `${unit(h, '小时', 'h', 'h', lang)} ${unit(m, '分', 'min', 'min', lang)}` : unit(h, '小时', 'h', 'h', lang)
  if (short && t < 10 * MINUTE) return `${m}:${two(Math.floor((t % MINUTE) / 1000))}`
  return unit(m, '分', 'min', 'min', lang)
}

export function left(ms: number, lang: Lang, short = false): string {
  if (ms < MINUTE && !short) return lang === 'zh' ? '不到 1 分' : 'less than 1 min'
  const words = length(ms, lang, short)
  return lang === 'zh' ? `还剩 ${words}` : `${words} left`
}

export function late(ms: number, lang: Lang, short = false): string {
  if (ms < MINUTE && !short) return lang === 'zh' ? '刚刚逾期' : 'just overdue'
  const words = length(ms, lang, short)
  return lang === 'zh' ? `逾期 ${words}` : `${words} overdue`
}

/** Past events: just now, minutes up to an hour, then the clock time, then the day. */
export function ago(at: number, now: number, lang: Lang): string {
  const t = now - at
  if (t >= 0 && t < MINUTE) return lang === 'zh' ? '刚刚' : 'just now'
  if (t >= 0 && t < HOUR) return lang === 'zh' ? `${Math.floor(t / MINUTE)} 分钟前` : `${Math.floor(t / MINUTE)} min ago`
  if (isoDate(at) === isoDate(now)) return clockTime(at)
  const p = parts(at)
  if (p.y !== parts(now).y) return isoDate(at)
  return lang === 'zh' ? `${two(p.m)}-${two(p.d)} ${clockTime(at)}` : `${p.d} ${MONTH_EN[p.m - 1]} ${clockTime(at)}`
}

/** A declared span like 15d, 30wm, 4wh in words. */
export function span(s: string | undefined, lang: Lang): string {
  if (!s) return ''
  const m = /^(\d+)(wd|wh|wm|mo|d|h|m|w|y)$/.exec(s)
  if (!m) return s
  const n = Number(m[1])
  const names: Record<string, [string, string, string]> = {
    d: ['天', 'day', 'days'], h: ['小时', 'hour', 'hours'], m: ['分钟', 'minute', 'minutes'], w: ['周', 'week', 'weeks'], mo: ['个月', 'month', 'months'], y: ['年', 'year', 'years'],
    wd: ['个工作日', 'working day', 'working days'], wh: ['个工时', 'working hour', 'working hours'], wm: ['分钟（工时）', 'working minute', 'working minutes'],
  }
  const [zh, one, many] = names[m[2]]
  return unit(n, zh, one, many, lang)
}
