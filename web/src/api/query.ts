import { QueryClient, useQuery, type UseQueryOptions } from '@tanstack/react-query'
import { get, problemOf, Refusal, url } from './client'
import type { Form, FormBrief } from './types'

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      gcTime: 30 * 60_000,
      retry: (n, e) => n < 2 && ['offline', 'unavailable'].includes(problemOf(e).kind),
      refetchOnWindowFocus: true,
      // the server is asked even when the browser believes it is off line: on a company network it is often wrong
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
})

type Query = Record<string, string | number | undefined | null>

export function useGet<T>(path: string | null, query?: Query, options: Partial<UseQueryOptions<T, Refusal>> = {}) {
  return useQuery<T, Refusal>({
    queryKey: [path ?? '', query ?? {}],
    queryFn: ({ signal }) => get<T>(path!, query, signal),
    enabled: path !== null,
    ...options,
  })
}

/** A form; of a record that runs under an earlier text of its regulation, or is to be filed to one that does, as that text has it. */
export const useForm = (key: string | null, record?: string) => useGet<Form>(key ? `/api/form/${key}` : null, record ? { record } : undefined, { staleTime: 10 * 60_000 })
export const useForms = () => useGet<FormBrief[]>('/api/form', undefined, { staleTime: 5 * 60_000 })

export const recordPath = (form: string, id: string) => `/api/form/${form}/record/${id}`

/** After an act everything that could have moved is asked again. */
export function refresh(form?: string, id?: string) {
  void queries.invalidateQueries({
    predicate: (q) => {
      const path = String(q.queryKey[0])
      if (path.startsWith('/api/rulebook') || path === '/api/company' || path === '/api/journal') return false
      if (/^\/api\/form\/[^/]+$/.test(path)) return false
      if (form && id && path.startsWith('/api/form/') && path.includes('/record/') && !path.startsWith(recordPath(form, id))) return false
      return true
    },
  })
}
export { url }
