// The one road to the server: CSRF token, idempotency key, version, language, and problems decoded.
import type { Me, Problem } from './types'
import { setClock } from '../app/clock'
import { setZone } from '../app/time'

export class Refusal extends Error {
  constructor(public problem: Problem) {
    super(problem.title)
  }
}

let csrf = ''
let csrfHeader = 'X-CSRF-Token'
let language = 'zh-CN'
let signInAgain: (() => Promise<boolean>) | null = null
let proveAgain: ((of: Problem) => Promise<boolean>) | null = null
let onLine: (up: boolean) => void = () => {}

export const setLanguageHeader = (l: string) => (language = l)
export const onSignedOut = (f: (() => Promise<boolean>) | null) => (signInAgain = f)
export const onStale = (f: ((of: Problem) => Promise<boolean>) | null) => (proveAgain = f)
export const onConnection = (f: (up: boolean) => void) => (onLine = f)

export function accept(me: Me): Me {
  csrf = me.csrf
  if (me.csrf_header) csrfHeader = me.csrf_header
  setZone(me.company.zone)
  if (me.clock) setClock(me.clock.now, me.clock.manual)
  return me
}

/** The session has a new token after a fresh proof. */
export const renewed = (token: string) => (csrf = token)

// What a page asks by itself, with nobody at it, must not keep a session alive.
const ATTENDED = 60_000
let touched = Date.now()
for (const e of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart']) addEventListener(e, () => (touched = Date.now()), { passive: true, capture: true })

/** A key for one intention: the same press repeated after a lost connection makes no second record. */
export function newKey(): string {
  if (crypto.randomUUID) return crypto.randomUUID()
  const b = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('')
}

interface Options {
  body?: unknown
  query?: Record<string, string | number | undefined | null>
  key?: string
  etag?: string
  signal?: AbortSignal
  quiet?: boolean // a 401 is an answer, not a reason to sign in again
  proved?: boolean // who it is was proved for this call: that it does not count is an answer, too
}

export function url(path: string, query?: Options['query']): string {
  const q = new URLSearchParams()
  for (const [k, v] of Object.entries(query ?? {})) if (v !== undefined && v !== null && v !== '') q.set(k, String(v))
  const s = q.toString()
  return path + (s ? '?' + s : '')
}

export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json, application/problem+json', 'Accept-Language': language }
  let body: BodyInit | undefined
  if (options.body instanceof FormData) body = options.body
  else if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json'
    body = JSON.stringify(options.body)
  }
  if (method !== 'GET') {
    headers[csrfHeader] = csrf
    headers['Idempotency-Key'] = options.key ?? newKey()
  }
  if (options.etag) headers['If-Match'] = `"${options.etag.replace(/"/g, '')}"`

  if (Date.now() - touched > ATTENDED) headers['X-Unattended'] = '1'

  let res: Response
  try {
    res = await fetch(url(path, options.query), { method, headers, body, credentials: 'same-origin', signal: options.signal })
  } catch (e) {
    if (options.signal?.aborted) throw e
    onLine(false)
    throw new Refusal({ kind: 'offline', status: 0, title: '' })
  }
  onLine(true)
  if (res.status === 204) return undefined as T
  const type = res.headers.get('Content-Type') ?? ''
  if (res.ok) return (type.includes('json') ? await res.json() : await res.blob()) as T

  let problem: Problem
  try {
    problem = (await res.json()) as Problem
    problem.status ??= res.status
    problem.kind ??= kindOf(res.status)
  } catch {
    problem = { kind: kindOf(res.status), status: res.status, title: '' }
  }
  if (res.status === 401 && !options.quiet && signInAgain && (await signInAgain())) {
    return call<T>(method, path, options)
  }
  if (problem.kind === 'stale' && !options.quiet && !options.proved && proveAgain && (await proveAgain(problem))) {
    return call<T>(method, path, { ...options, proved: true })
  }
  throw new Refusal(problem)
}

/** Asks for a file, with a body where it is made for this request, and lets the browser keep it. */
export async function save(path: string, name: string, body?: unknown) {
  const at = URL.createObjectURL(await call<Blob>(body === undefined ? 'GET' : 'POST', path, { body }))
  Object.assign(document.createElement('a'), { href: at, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(at), 60_000)
}

function kindOf(status: number): Problem['kind'] {
  switch (status) {
    case 400: return 'invalid'
    case 401: return 'unauthenticated'
    case 403: return 'forbidden'
    case 404: return 'not_found'
    case 409: case 412: return 'conflict'
    case 422: return 'refused'
    case 429: return 'too_many'
    case 502: case 503: case 504: return 'unavailable'
    default: return 'internal'
  }
}

export const get = <T,>(path: string, query?: Options['query'], signal?: AbortSignal) => call<T>('GET', path, { query, signal })
export const post = <T,>(path: string, body?: unknown, options: Options = {}) => call<T>('POST', path, { ...options, body: body ?? {} })

export const problemOf = (e: unknown): Problem =>
  e instanceof Refusal ? e.problem : { kind: 'internal', status: 0, title: '', detail: e instanceof Error ? e.message : undefined }
