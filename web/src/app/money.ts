// Money, numbers and telephone numbers as people write them.

const DIGIT = ['零', '壹', '贰', '叁', '肆', '伍', '陆', '柒', '捌', '玖']
const SMALL = ['', '拾', '佰', '仟']
const LARGE = ['', '万', '亿', '万亿']

function integerCapitals(s: string): string {
  const t = s.replace(/^0+/, '')
  if (!t) return ''
  const groups: string[] = []
  for (let i = t.length; i > 0; i -= 4) groups.unshift(t.slice(Math.max(0, i - 4), i))
  let out = ''
  let zero = false
  groups.forEach((g, gi) => {
    const place = groups.length - 1 - gi
    let part = ''
    const padded = g.padStart(4, '0')
    for (let i = 0; i < 4; i++) {
      const d = Number(padded[i])
      if (d === 0) {
        if (out || part) zero = true
        continue
      }
      if (zero && (out || part)) part += '零'
      zero = false
      part += DIGIT[d] + SMALL[3 - i]
    }
    if (part) {
      out += part + LARGE[place]
      zero = false // a zero at a group's end is not read; one at the next group's head is
    }
  })
  return out
}

/** The amount in Chinese capitals, beginning with 人民币 and no gap. Takes a decimal string, never a float. */
export function capitals(amount: string): string {
  const m = /^(-?)(\d+)(?:\.(\d{1,2})\d*)?$/.exec(amount.replace(/,/g, ''))
  if (!m) return ''
  const [, sign, int, frac = ''] = m
  const jiao = Number(frac[0] ?? 0)
  const fen = Number(frac[1] ?? 0)
  const yuan = integerCapitals(int)
  let out = yuan ? yuan + '元' : ''
  if (!jiao && !fen) return '人民币' + (sign ? '负' : '') + (out || '零元') + '整'
  if (jiao) {
    // a zero between yuan and jiao is written when the yuan end in zero
    if (yuan && int.endsWith('0')) out += '零'
    out += DIGIT[jiao] + '角'
  } else if (yuan) out += '零'
  if (fen) out += DIGIT[fen] + '分'
  return '人民币' + (sign ? '负' : '') + out
}

const MINUS = '−'

/** Thousands commas on a decimal string, the digits untouched. */
export function number(value: string | number, scale?: number): string {
  let s = String(value).trim()
  if (!/^-?\d+(\.\d+)?$/.test(s)) return s
  const neg = s.startsWith('-')
  if (neg) s = s.slice(1)
  let [int, frac = ''] = s.split('.')
  if (scale !== undefined) frac = frac.padEnd(scale, '0').slice(0, Math.max(scale, frac.replace(/0+$/, '').length))
  int = int.replace(/\B(?=(\d{3})+(?!\d))/g, ',')
  return (neg ? MINUS : '') + int + (frac ? '.' + frac : '')
}

export const money = (value: string | number): string => {
  const s = number(value, 2)
  return s.startsWith(MINUS) ? `${MINUS}¥${s.slice(1)}` : `¥${s}`
}

/** 13866210417 → 138 6621 0417; landlines keep their own dashes. */
export function phone(value: string): string {
  const raw = value.replace(/[\s-]/g, '').replace(/^\+?86(?=1\d{10}$)/, '')
  const m = /^(1\d{2})([\d*]{4})([\d*]{4})$/.exec(raw)
  return m ? `${m[1]} ${m[2]} ${m[3]}` : value
}

/** What is typed or pasted into a number box: full-width digits, commas, currency signs and spaces are taken off. */
export function tidyNumber(typed: string): string {
  return typed
    .replace(/[０-９．－]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))
    .replace(/[,，\s¥￥元]/g, '')
    .replace(/−/g, '-')
}

/** Decimal strings added exactly, with as many digits as the longest of them has, two at least. */
export function addUp(list: string[]): string {
  const read = list.map((s) => /^(-?)(\d+)(?:\.(\d+))?$/.exec(s)).filter((m) => !!m)
  const digits = Math.max(2, ...read.map((m) => m[3]?.length ?? 0))
  let sum = 0n
  for (const m of read) sum += BigInt(m[1] + m[2] + (m[3] ?? '').padEnd(digits, '0'))
  const abs = (sum < 0n ? -sum : sum).toString().padStart(digits + 1, '0')
  return (sum < 0n ? '-' : '') + abs.slice(0, -digits) + '.' + abs.slice(-digits)
}
