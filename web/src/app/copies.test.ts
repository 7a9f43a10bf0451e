import { describe, expect, it, vi } from 'vitest'
import { copyName } from './copies'

const speak = vi.hoisted(() => ({ lang: 'en' }))
vi.mock('./i18n', () => ({ language: () => speak.lang }))

describe('copies', () => {
  const names = (...marks: string[]) => marks.map((_, i) => copyName(marks.map((mark) => ({ mark })), i))
  // Ensure that no two copies have one name in English, whether they are numbered, named, or both.
  it('are told apart', () => {
    speak.lang = 'en'
    expect(names('第一联', '第二联')).toEqual(['Copy 1', 'Copy 2'])
    expect(names('业务联', '会计联')).toEqual(['Copy 1', 'Copy 2'])
    expect(names('第一联', '收料联', '第二联')).toEqual(['Copy 1', 'Copy', 'Copy 2'])
    speak.lang = 'zh'
    expect(names('第一联', '收料联')).toEqual(['第一联', '收料联'])
  })
})
