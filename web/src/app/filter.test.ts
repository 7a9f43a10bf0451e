import { describe, expect, it } from 'vitest'
import type { Field } from '../api/types'
import { cel, fromParam, toParam } from './filter'

const fields: Field[] = [
  { id: 'customer', label: '客户', type: 'ref', form: 'base.customer' },
  { id: 'loss', label: '损失', type: 'money' },
  { id: 'shipped_on', label: '交运日期', type: 'date' },
  { id: 'confirmed_at', label: '确认时间', type: 'datetime' },
  { id: 'overseas', label: '国外', type: 'bool' },
  { id: 'note', label: '说明', type: 'note' },
]

describe('filters', () => {
  it('say each chip as one condition', () => {
    const say = (field: string, op: string, value = '') => cel([{ field, op, value }], fields)
    expect(say('customer', 'is', 'k1')).toBe("this.customer.id == 'k1'")
    expect(say('loss', 'ge', '10000.00')).toBe("this.loss >= money('10000.00')")
    expect(say('shipped_on', 'ge', '2026-03-01')).toBe("this.shipped_on >= date('2026-03-01')")
    expect(say('shipped_on', 'is', '2026-03-16')).toBe("this.shipped_on == date('2026-03-16')")
    expect(say('confirmed_at', 'le', '2026-03-18')).toBe("day(this.confirmed_at) <= date('2026-03-18')")
    expect(say('overseas', 'no')).toBe('!this.overseas')
    expect(say('note', 'unset')).toBe('!has(this.note)')
    expect(say('state', 'is', 'quality')).toBe("this.state == 'quality'")
    expect(cel([{ field: 'overseas', op: 'yes', value: '' }, { field: 'note', op: 'has', value: "a'b\\" }], fields)).toBe("this.overseas && this.note.contains('a\\'b\\\\')")
  })
  it('survive the address', () => {
    const chip = { field: 'customer', op: 'is', value: 'a~b', label: '泰和泵业 & 子公司' }
    expect(fromParam(toParam(chip))).toEqual(chip)
  })
})
