// Whose business something is: for who works in units that adopted different regulations.
import { useForms, useGet } from '../api/query'
import type { BookBrief } from '../api/types'
import { useWords } from '../app/i18n'

/** Names the units that adopted a form's regulation; "" where the reader works with one regulation alone, or the form is everybody's. */
export function useHouse(): (form: string) => string {
  const { w } = useWords()
  const forms = useForms()
  const books = useGet<BookBrief[]>('/api/rulebook', undefined, { staleTime: 600_000 })
  const works = new Set(forms.data?.filter((f) => f.group !== 'base').map((f) => f.book))
  return (form) => {
    const f = works.size > 1 ? forms.data!.find((x) => x.key === form) : undefined
    if (!f || f.group === 'base') return ''
    const names = (books.data?.find((b) => b.id === f.book)?.adopted ?? []).map((a) => (a.unit && typeof a.unit === 'object' && 'name' in a.unit ? a.unit.name : w(a.unit)))
    return [...new Set(names)].join('、')
  }
}
