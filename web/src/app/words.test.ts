import { describe, expect, it } from 'vitest'
import { capitals, money, number, phone, tidyNumber } from './money'
import { absolute, ago, dataTime, fromWall, isoDate, late, left, length, parse, setZone } from './time'

describe('capitals', () => {
  const vectors: [string, string][] = [
    ['10.00', '人民币壹拾元整'],
    ['1409.50', '人民币壹仟肆佰零玖元伍角'],
    ['6007.14', '人民币陆仟零柒元壹角肆分'],
    ['16409.02', '人民币壹万陆仟肆佰零玖元零贰分'],
    ['325.04', '人民币叁佰贰拾伍元零肆分'],
    ['107000.53', '人民币壹拾万柒仟元零伍角叁分'],
    ['0.05', '人民币伍分'],
    ['100000000.00', '人民币壹亿元整'],
    ['13800.00', '人民币壹万叁仟捌佰元整'],
    ['100010.00', '人民币壹拾万零壹拾元整'],
    ['0.00', '人民币零元整'],
  ]
  it.each(vectors)('%s', (amount, words) => expect(capitals(amount)).toBe(words))
})

describe('numbers', () => {
  it('writes money with two decimals and commas', () => {
    expect(money('13800')).toBe('¥13,800.00')
    expect(money('-1000000000')).toBe('−¥1,000,000,000.00')
    expect(number('12.30')).toBe('12.30')
    expect(number('0', 2)).toBe('0.00')
  })
  it('writes a telephone 3-4-4, masked too', () => {
    expect(phone('+86 13866210417')).toBe('138 6621 0417')
    expect(phone('138****0417')).toBe('138 **** 0417')
    expect(phone('0571-8766 1234')).toBe('0571-8766 1234')
  })
  it('takes what people paste', () => expect(tidyNumber('¥１3，800.00 元')).toBe('13800.00'))
})

describe('time', () => {
  const at = (s: string) => parse(s)!
  const now = at('2026-03-18T02:00:00Z')
  it('says absolute times', () => {
    expect(absolute(at('2026-03-20T09:30:00Z'), now, 'zh')).toBe('03-20 周五 17:30')
    expect(absolute(at('2026-03-20T09:30:00Z'), now, 'en')).toBe('Fri 20 Mar, 17:30')
    expect(absolute(at('2025-12-31T02:00:00Z'), now, 'zh')).toBe('2025-12-31')
    expect(absolute(at('2026-03-27T16:00:00Z'), now, 'zh', true)).toBe('03-27 周五 24:00')
  })
  it('rounds down, both ways', () => {
    const h = 3_600_000
    expect(left(9.9 * 24 * h, 'zh')).toBe('还剩 9 天')
    expect(left(26 * h, 'zh')).toBe('还剩 1 天 2 小时')
    expect(left(2.25 * h + 59_000, 'en')).toBe('2 h 15 min left')
    expect(left(30_000, 'zh')).toBe('不到 1 分')
    expect(late(30_000, 'zh')).toBe('刚刚逾期')
    expect(length(192_000, 'zh', true)).toBe('3:12')
    expect(length(24 * h, 'en')).toBe('1 day')
    expect(length(96 * h, 'en')).toBe('4 days')
  })
  it('says past times', () => {
    expect(ago(now - 12 * 60_000, now, 'zh')).toBe('12 分钟前')
    expect(ago(now - 2 * 3_600_000, now, 'zh')).toBe('08:00')
  })
})

describe('the company\'s zone', () => {
  it('is what the server says, with its summer time', () => {
    setZone('America/New_York')
    expect(dataTime(Date.parse('2026-03-08T06:59:00Z'))).toBe('2026-03-08 01:59')
    expect(dataTime(Date.parse('2026-03-08T07:00:00Z'))).toBe('2026-03-08 03:00')
    expect(new Date(fromWall('2026-07-01T09:30:00')).toISOString()).toBe('2026-07-01T13:30:00.000Z')
    expect(isoDate(parse('2026-11-01')!)).toBe('2026-11-01')
    setZone('Nowhere/Else')
    expect(dataTime(Date.parse('2026-01-01T05:00:00Z'))).toBe('2026-01-01 00:00')
    setZone('Asia/Shanghai')
    expect(dataTime(Date.parse('2026-03-16T02:40:00Z'))).toBe('2026-03-16 10:40')
  })
})
