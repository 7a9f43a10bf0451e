import { describe, expect, it } from 'vitest'
import { boxOf, curve, layout, wide, type Placed, type Way } from './layout'

const size = () => ({ w: 120, h: 40 })
const way = (from: string, to: string): Way => ({ from, to, w: 100, h: 30 })
const apart = (a: Placed, b: Placed) => a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y

describe('the flow graph', () => {
  const order = ['draft', 'sent', 'checked', 'decided', 'closed', 'dropped', 'alone']
  const ways = [way('draft', 'sent'), way('sent', 'checked'), way('sent', 'decided'), way('checked', 'decided'), way('decided', 'sent'), way('decided', 'closed'), way('draft', 'closed'), way('sent', 'dropped'), way('checked', 'dropped'), way('sent', 'sent')]
  const g = layout(order, size, ways)
  it('runs from above to below, whatever leads back', () => {
    const y = (s: string) => g.states.get(s)!.y
    expect(['draft', 'sent', 'checked', 'decided', 'closed'].map(y)).toEqual([...['draft', 'sent', 'checked', 'decided', 'closed'].map(y)].sort((a, b) => a - b))
    expect(y('decided')).toBeGreaterThan(y('sent'))
  })
  it('puts last what no way touches, and leaves out ways that lead nowhere', () => {
    for (const [s, b] of g.states) if (s !== 'alone') expect(g.states.get('alone')!.y).toBeGreaterThan(b.y)
    expect(g.ways.length).toBe(9)
  })
  it('lets no two boxes touch', () => {
    const boxes = [...g.states.values(), ...g.ways.map((x) => x.label)]
    for (const [i, a] of boxes.entries()) for (const b of boxes.slice(i + 1)) expect(apart(a, b), `${JSON.stringify(a)} ${JSON.stringify(b)}`).toBe(true)
  })
  it('leads no line through a box that is not its own', () => {
    for (const x of g.ways) {
      for (const [s, b] of g.states) {
        if (s === x.way.from || s === x.way.to) continue
        for (const p of x.line) expect(p.x > b.x && p.x < b.x + b.w && p.y > b.y && p.y < b.y + b.h, `${x.way.from} > ${x.way.to} through ${s}`).toBe(false)
      }
    }
  })
  it('begins and ends each line at its states, a way back from below', () => {
    for (const { way: x, line } of g.ways) {
      const [a, b] = [g.states.get(x.from)!, g.states.get(x.to)!]
      const up = order.indexOf(x.from) > order.indexOf(x.to)
      expect(line[0].y).toBe(up ? a.y : a.y + a.h)
      expect(line[line.length - 1].y).toBe(up ? b.y + b.h : b.y)
    }
  })
  it('keeps everything inside', () => {
    for (const b of [...g.states.values(), ...g.ways.map((x) => x.label)]) {
      expect(b.x).toBeGreaterThanOrEqual(-0.01)
      expect(b.x + b.w).toBeLessThanOrEqual(g.width + 0.01)
      expect(b.y + b.h).toBeLessThanOrEqual(g.height + 0.01)
    }
  })
  it('draws a straight line where nothing is in the way', () => {
    const h = layout(['a', 'b', 'c'], size, [way('a', 'b'), way('b', 'c')])
    for (const x of h.ways) expect(curve(x.line)).not.toMatch(/C/)
  })
  it('has room for nothing', () => expect(layout([], size, []).states.size).toBe(0))
})

describe('a box of words', () => {
  it('counts Chinese as squares', () => expect(wide('核决 a', 10)).toBeCloseTo(31.2))
  it('breaks what is too long', () => {
    expect(boxOf('核决', 10, 100, 5)).toEqual({ w: 30, h: 14 })
    expect(boxOf('总经理室查核综合意见', 10, 50, 0).h).toBe(42)
  })
})
