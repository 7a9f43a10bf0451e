import { describe, expect, it } from 'vitest'
import en from './en'
import zh from './zh'

const plural = (k: string) => k.replace(/_(one|other)$/, '')
const bare = (o: object) => [...new Set(Object.keys(o).map(plural))].sort()

describe('locales', () => {
  it('have the same keys', () => expect(bare(en)).toEqual(bare(zh)))
  it('have the same holes to fill', () => {
    const holes = (s: string) => [...s.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1])
    for (const [k, v] of Object.entries(zh)) {
      const other = (en as Record<string, string>)[k]
      // the two languages may count differently: the month's name or number, the others or all
      if (!['calendar.month', 'path.others_other', 'and_people'].includes(k)) expect([...new Set(holes(other))].sort(), k).toEqual([...new Set(holes(v))].sort())
    }
  })
  it('say no forbidden word', () => {
    const badZh = /流程实例|节点|任务池|流转|触发器|字段校验|参数错误|无权限|操作成功|操作失败|失败|系统繁忙|非法|违规操作|驳回|登陆|其它|用户|您|！/
    const badEn = /\b(instance|node|workflow|payload|invalid|forbidden|null|N\/A|users?|error)\b|!/i
    for (const [k, v] of Object.entries(zh)) expect(v, k).not.toMatch(badZh)
    for (const [k, v] of Object.entries(en)) expect(v, k).not.toMatch(badEn)
  })
  it('have no Chinese in English, and Chinese punctuation in Chinese', () => {
    for (const [k, v] of Object.entries(en)) expect(v, k).not.toMatch(/[\u4e00-\u9fff，。；：（）]/)
    for (const [k, v] of Object.entries(zh)) if (/[\u4e00-\u9fff]/.test(v)) expect(v.replace(/\{\{\w+\}\}/g, ''), k).not.toMatch(/[\u4e00-\u9fff][,;!?()]|[,;!?][\u4e00-\u9fff]/)
  })
  it('know every word the pages say', () => {
    const files = import.meta.glob('../**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true }) as Record<string, string>
    const missing: string[] = []
    const known = new Set([...Object.keys(zh), ...bare(zh)])
    for (const [f, text] of Object.entries(files)) {
      if (f.includes('.test.')) continue
      for (const m of text.matchAll(/\bt\(\s*'([^']+)'/g)) {
        if (!known.has(m[1])) missing.push(`${f}: ${m[1]}`)
      }
    }
    expect(missing).toEqual([])
  })
})
