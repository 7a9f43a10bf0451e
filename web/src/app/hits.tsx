// What a search found, as lines that lead somewhere.
import type { SearchResult } from '../api/types'

export interface Hit { key: string; to: string; title: string; sub?: string; group: string }

export function hitsOf(data: SearchResult | undefined, w: (x: unknown) => string, books?: (clause: string) => string): Hit[] {
  const out: Hit[] = []
  for (const g of data?.groups ?? []) {
    for (const h of g.hits.slice(0, 8)) {
      const to = g.kind === 'clause' ? (books?.(h.id) ?? `/clause/${encodeURIComponent(h.id)}`) : g.kind === 'form' ? `/register/${h.form ?? h.id}` : `/record/${h.form}/${h.id}`
      out.push({ key: `${g.kind}:${h.form}:${h.id}`, to, title: [h.number, w(h.title)].filter((x, i, a) => x && a.indexOf(x) === i).join(' ') || h.id, sub: w(h.sub), group: w(g.label) })
    }
  }
  return out
}

export function Marked({ text, q }: { text: string; q: string }) {
  const i = q ? text.toLowerCase().indexOf(q.toLowerCase()) : -1
  if (i < 0) return <>{text}</>
  return <>{text.slice(0, i)}<mark>{text.slice(i, i + q.length)}</mark>{text.slice(i + q.length)}</>
}

