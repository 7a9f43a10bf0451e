// A small layered layout: states from above to below in the rulebook's order, an action's words on its way, lines that go round what is between.

export interface Box { w: number; h: number }
export interface Way extends Box { from: string; to: string }
export interface Placed extends Box { x: number; y: number }
export interface Layout<W extends Way> {
  width: number
  height: number
  states: Map<string, Placed>
  ways: { way: W; label: Placed; line: { x: number; y: number }[] }[] // line: from the state it leaves to the one it reaches
}

const GAP_X = 18
const GAP_Y = 22
const LANE = 10 // what a line that passes by takes

interface Item extends Box { layer: number; x: number; links: Item[]; up: Item[]; down: Item[] }

/** order: the states from the first on; what leads back against it is drawn upwards. What no way leads to or from stands last. */
export function layout<W extends Way>(order: string[], size: (state: string) => Box, ways: W[]): Layout<W> {
  const index = new Map(order.map((s, i) => [s, i]))
  const drawn = ways.filter((x) => x.from !== x.to && index.has(x.from) && index.has(x.to))
  const ends = (x: W) => (index.get(x.from)! < index.get(x.to)! ? [x.from, x.to] : [x.to, x.from])

  // a state lies below everything that leads to it; between two layers of states lies one of words
  const layerOf = new Map<string, number>()
  const alone = order.filter((s) => !drawn.some((x) => x.from === s || x.to === s))
  for (const s of order) {
    let n = 0
    for (const x of drawn) if (ends(x)[1] === s) n = Math.max(n, layerOf.get(ends(x)[0])! + 2)
    layerOf.set(s, n)
  }
  const last = Math.max(0, ...layerOf.values())
  for (const s of alone) layerOf.set(s, drawn.length ? last + 2 : 0)
  const layers: Item[][] = []
  const put = (layer: number, box: Box): Item => {
    const it: Item = { ...box, layer, x: 0, links: [], up: [], down: [] }
    ;(layers[layer] ??= []).push(it)
    return it
  }
  const items = new Map(order.map((s) => [s, put(layerOf.get(s)!, size(s))]))
  const join = (a: Item, b: Item) => { a.down.push(b); b.up.push(a) }
  const chains = drawn.map((way) => {
    const [top, bottom] = ends(way).map((s) => items.get(s)!)
    const forward = top === items.get(way.from)
    const words = forward ? top.layer + 1 : bottom.layer - 1
    const chain = [top]
    let label = top
    for (let l = top.layer + 1; l < bottom.layer; l++) {
      const it = put(l, l === words ? { w: way.w, h: way.h } : { w: LANE, h: 0 })
      if (l === words) label = it
      join(chain[chain.length - 1], it)
      chain.push(it)
    }
    join(chain[chain.length - 1], bottom)
    chain.push(bottom)
    return { way, label, chain, forward }
  })
  const all = Array.from(layers, (l) => l ?? [])

  sortLayers(all)
  place(all)

  const heights = all.map((l) => Math.max(0, ...l.map((i) => i.h)))
  const tops: number[] = []
  heights.reduce((y, h, i) => { tops[i] = y; return y + h + GAP_Y }, 0)
  const left = Math.min(...all.flat().map((i) => i.x - i.w / 2), 0)
  const right = Math.max(...all.flat().map((i) => i.x + i.w / 2), 0)
  const at = (i: Item): Placed => ({ w: i.w, h: i.h, x: i.x - left - i.w / 2, y: tops[i.layer] + (heights[i.layer] - i.h) / 2 })
  /** Where a line meets a state: side by side in the order in which its neighbours stand. */
  const port = (state: Item, next: Item, below: boolean) => {
    const side = [...(below ? state.down : state.up)].sort((a, b) => a.x - b.x)
    const p = at(state)
    return { x: p.x + (p.w * (side.indexOf(next) + 1)) / (side.length + 1), y: below ? p.y + p.h : p.y }
  }
  return {
    width: right - left,
    height: all.length ? tops[all.length - 1] + heights[all.length - 1] : 0,
    states: new Map(order.map((s) => [s, at(items.get(s)!)])),
    ways: chains.map(({ way, label, chain, forward }) => {
      const line = [port(chain[0], chain[1], true)]
      for (const i of chain.slice(1, -1)) {
        const p = at(i)
        const x = p.x + p.w / 2
        // straight through its layer, so that it does not cut the corner of a box beside it
        line.push({ x, y: tops[i.layer] }, { x, y: tops[i.layer] + heights[i.layer] })
      }
      line.push(port(chain[chain.length - 1], chain[chain.length - 2], false))
      return { way, label: at(label), line: forward ? line : line.reverse() }
    }),
  }
}

/** Few crossings: each stands at the mean place of its neighbours, down and up again. */
function sortLayers(layers: Item[][]) {
  const rank = new Map<Item, number>()
  const number = (l: Item[]) => l.forEach((i, n) => rank.set(i, n / Math.max(1, l.length - 1)))
  layers.forEach(number)
  for (let sweep = 0; sweep < 8; sweep++) {
    const down = sweep % 2 === 0
    for (const l of down ? layers : [...layers].reverse()) {
      const mean = new Map(l.map((i) => {
        const near = down ? i.up : i.down
        return [i, near.length ? near.reduce((s, n) => s + rank.get(n)!, 0) / near.length : rank.get(i)!]
      }))
      l.sort((a, b) => mean.get(a)! - mean.get(b)!)
      number(l)
    }
  }
}

const lane = (i: Item) => i.h === 0

/** A line that passes by stays straight, and does not draw the boxes after it. */
const pull = (a: Item, b: Item) => (lane(a) && lane(b) ? 16 : lane(a) || lane(b) ? 0.25 : 1)

/** Each as near as can be to the mean of its neighbours without touching the next: lines come out straight. */
function place(layers: Item[][]) {
  for (const l of layers) {
    let x = 0
    for (const i of l) { i.x = x + i.w / 2; x += i.w + GAP_X }
    for (const i of l) i.x -= x / 2
  }
  for (let sweep = 0; sweep < 60; sweep++) {
    for (const l of sweep % 2 === 0 ? layers : [...layers].reverse()) {
      const wish = l.map((i) => {
        const near = [...i.up, ...i.down].map((n) => ({ x: n.x, pull: pull(i, n) }))
        return near.length ? near.reduce((s, n) => s + n.x * n.pull, 0) / near.reduce((s, n) => s + n.pull, 0) : i.x
      })
      spread(l, wish)
    }
  }
}

/** Least squares under "not closer than": neighbours that would overlap become one block at the mean of their wishes. */
function spread(l: Item[], wish: number[]) {
  const offset: number[] = []
  l.forEach((i, n) => offset.push(n === 0 ? 0 : offset[n - 1] + l[n - 1].w / 2 + GAP_X + i.w / 2))
  const blocks: { sum: number; weight: number; count: number }[] = []
  l.forEach((i, n) => {
    const weight = lane(i) ? 4 : 1 // a line's bend disturbs more than a box a little aside
    blocks.push({ sum: (wish[n] - offset[n]) * weight, weight, count: 1 })
    while (blocks.length > 1) {
      const [a, b] = blocks.slice(-2)
      if (a.sum / a.weight <= b.sum / b.weight) break
      blocks.splice(-2, 2, { sum: a.sum + b.sum, weight: a.weight + b.weight, count: a.count + b.count })
    }
  })
  let n = 0
  for (const b of blocks) for (let k = 0; k < b.count; k++, n++) l[n].x = b.sum / b.weight + offset[n]
}

/** How wide words come out: Chinese characters are square. */
export const wide = (s: string, font: number) => [...s].reduce((n, c) => n + (/[\u2e80-\uffef]/.test(c) ? 1 : 0.56) * font, 0)

/** A box for words that may break into lines. */
export function boxOf(words: string, font: number, most: number, pad: number): Box {
  const one = wide(words, font)
  const w = Math.min(one, most)
  return { w: Math.ceil(w) + 2 * pad, h: Math.ceil(Math.max(1, Math.ceil((one * 1.08) / most)) * font * 1.4) }
}

/** A line through its points, bending only where it changes its column. */
export function curve(line: { x: number; y: number }[]): string {
  return line.map((p, i) => {
    if (!i) return `M${p.x.toFixed(1)} ${p.y.toFixed(1)}`
    const q = line[i - 1]
    if (Math.abs(q.x - p.x) < 0.5) return `L${p.x.toFixed(1)} ${p.y.toFixed(1)}`
    const m = ((q.y + p.y) / 2).toFixed(1)
    return `C${q.x.toFixed(1)} ${m} ${p.x.toFixed(1)} ${m} ${p.x.toFixed(1)} ${p.y.toFixed(1)}`
  }).join('')
}
