import { expect, test } from 'vitest'
import { sheet } from './sheet'

// Ensure that a cell with a comma, a quotation mark or a line break stays one cell, and that none is taken for a formula.
test('a sheet', () => {
  expect(sheet([['编号', '标题'], ['A1', '泰和, "一厂"\n二']])).toBe('\uFEFF"编号","标题"\r\n"A1","泰和, ""一厂""\n二"\r\n')
  for (const c of ['=1+1', '+1', '-1', '@x', ' =1', '\t=1']) expect(sheet([[c]])).toBe(`\uFEFF"'${c}"\r\n`)
  expect(sheet([['a=1', 'https://x/answer#zgl_-1']])).toBe('\uFEFF"a=1","https://x/answer#zgl_-1"\r\n')
})
