// The shapes of docs/api-contract.md, by hand. Every label may be a plain string or a pair of languages.

export type Text = string | { zh?: string; en?: string } | null | undefined

export interface Ref { id: string; label?: Text; name?: string; form?: string }
export interface FileValue { id: string; name: string; size: number; type: string }
export interface Masked { masked: string; erased?: boolean }
export type Value = unknown
export type Values = Record<string, Value>

export interface Person { id?: string; name: string; unit?: Text | Ref; post?: string; absent?: boolean; stand_in?: string | { name: string; post?: string } | null }

export interface Problem {
  type?: string
  title: string
  status: number
  detail?: string
  kind: 'refused' | 'invalid' | 'unauthenticated' | 'forbidden' | 'not_found' | 'conflict' | 'too_many' | 'unavailable' | 'internal' | 'offline' | 'stale' | 'gave_up'
  group?: string
  items?: ProblemItem[]
  who_may?: Person[]
  ask?: boolean // of an export: its approval can be asked for
  ref?: string
  tries_left?: number
  locked_until?: string
  prove?: { for: string; what: Text; changed?: boolean } // what alone the proof that is asked for counts for
  current?: { etag: string; changes: { field: string; label?: Text; old: Value; new: Value; by: Text | Person; at: string }[] }
}
export interface ProblemItem {
  clause?: string
  clause_text?: Text
  say: Text
  field?: string
  facts?: { label: Text; value: Value; path?: string }[]
  params?: { id: string; label: Text; value: Value; since?: string; source?: string }[]
  waive?: boolean
}

export interface Me {
  person: { id: string; name: string; account: string; post?: string; unit?: { id: string; name: string }; language?: string }
  roles: { id: string; label: Text; unit?: Text | { id: string; name: string } }[]
  csrf: string
  csrf_header?: string
  clock: { now: string; manual: boolean }
  company: { name: string; demo: boolean; zone?: string }
  rights: string[]
  heads?: { id: string; name?: string }[]
  counts: { late: number; today: number }
  version?: string
  must_change?: boolean
  must_enrol?: boolean
  enrol_by?: string
}
export interface Company {
  name: string
  demo: boolean
  zone?: string
  accounts?: { account: string; name: string; post?: string; unit?: string; house: string }[]
  password?: string
  clock_manual?: boolean
  first_run?: boolean
  passkey_host?: string
  sso?: string
}

export interface FormBrief { key: string; id: string; book: string; label: Text; clause?: string; number?: boolean; group?: string; count?: number; can_create?: boolean; follows?: boolean; kept?: string; report?: boolean; checklist?: boolean; flow?: boolean; heading?: Text }
export interface FlowState { id: string; label: Text; final: boolean; path: boolean; status?: 'done' | 'current' | 'ahead'; since?: string }
export interface FlowWay { action: string; label: Text; clause?: string; from: string[]; any?: boolean; to: string; clock?: boolean; danger?: boolean }
export interface Flow { states: FlowState[]; ways: FlowWay[]; took: { from: string; to: string; at: string }[] }
export interface ComparedRow { label: Text; clause?: string; key?: Value; key_field?: Field; field: Field; one: Value; other: Value; equal: boolean | null }
export interface Comparison { id: string; label: Text; clause?: string; one: Text; other: Text; rows: ComparedRow[]; unequal: number; actions: string[] }
export interface Field {
  id: string
  label: Text
  type: string
  form?: string
  options?: { id: string; label: Text; clause?: string }[]
  scale?: number
  hint?: Text
  clause?: string
  computed?: boolean
  default?: boolean
  total?: boolean
  required?: boolean
  class?: string
  closed?: { label: Text; clause?: string } // what those are told who may not read it
  sealed?: boolean
  min?: string | number | null
  max?: string | number | null
  line?: string | null
  scan?: boolean
}
/** What a new record is asked: `later` = needed only to send it on. */
export interface NewDef { asks: { field: string; required: boolean; later?: boolean; clause?: string; value?: unknown; not?: string[] }[]; send?: ActionDef }
export interface LineDef { id: string; label: Text; fields: Field[]; fixed?: boolean }
export interface ActionDef { id: string; label: Text; clause?: string; style?: string; bulk?: boolean; reason?: number; from?: string[]; to?: string[]; fill?: { field: string; required: boolean; clause?: string; label: Text }[] }
export interface BulkResult { id: string; number?: string; ok: boolean; problem?: Problem }
export interface ViewDef { id: string; label: Text; columns?: string[]; sort?: string; from?: string; filter?: string }
/** How many a list finds; `views`: each of the rulebook's. */
export interface Count { total: number; more_than: boolean; views?: Record<string, Count> }
/** A list as somebody keeps it; `query` is what its address holds. */
export interface SavedView { id: string; name: string; query: string; unit?: { id: string; name?: string } | null; default: boolean; may_edit: boolean; by?: { id: string; name?: string } | null }
export interface Form {
  key: string
  merge?: { action: string; into: string; apart?: string; set_apart?: string; take: string[] } // its records can be merged
  central?: boolean // others are about its records: their pages show what surrounds them
  label: Text
  clause?: string
  title?: string
  kept?: string
  fields: Field[]
  lines: LineDef[]
  states: { id: string; label: Text; final?: boolean; path?: boolean }[]
  actions: ActionDef[]
  sections: { id: string; label: Text; fields: string[]; chart?: string[] }[]
  views: ViewDef[]
  columns: string[]
  copies: { mark: string; to: Text }[]
  report?: boolean
  new?: NewDef
  links?: { action: string; label: Text }[] // for which this reader may hand out links
  checklist?: boolean
}

export interface Row {
  id: string
  number?: string
  title?: string
  title_en?: string
  state?: string
  state_label?: Text
  unit?: { id: string; name: string }
  by?: { id: string; name: string }
  at?: string
  etag?: string
  values: Values
  holder?: Person[]
  due?: { name: string; label: Text; due: string; state: string; paused?: boolean } | null
}
export interface Page<T> { rows: T[]; next?: string | null; total?: number | null; more_than?: boolean }

export interface Line { id?: string; values: Values }
export interface Step {
  state: string
  label: Text
  status: 'done' | 'current' | 'future' | 'skipped'
  holder?: Person[]
  from?: string | null
  to?: string | null
  due?: string | null
  late?: boolean
}
export interface FillDef { field: string; required: boolean; clause?: string; label?: Text }
export interface SignDef { approval: string; amount?: string | null; amount_cn?: string | null; statement?: Text; why?: { clause?: string; text: Text } }
export interface ActionOpen {
  id: string
  label: Text
  clause?: string
  style?: string
  reason?: number
  to?: string
  fill: FillDef[]
  lines?: (string | LineDef)[]
  sign?: SignDef | null
  waivable?: { clause: string; say: Text }[]
  confirm?: boolean
  primary?: boolean
  bulk?: boolean
  missing?: ProblemItem[]
  legal?: Text
}
export interface Clock {
  assign?: string
  state_label?: Text
  id: string
  name: string
  label: Text
  clause?: string
  from?: string | null
  due?: string | null
  state: string
  warned?: boolean
  holder?: Person[]
  met_at?: string | null
  overrun?: string | number | null
  within?: string
  working?: boolean
  form?: string
  record?: string
  number?: string
  title?: string
  paused_for?: Text
}
export interface Copy { id: string; mark: string; to?: (Text | Person)[] | Text; at?: string | null; received_at?: string | null; record?: string | null }
export interface Related { form: string; label: Text; relation?: string; rows: { id: string; number?: string; title?: string; state_label?: Text; at?: string }[]; total: number }
export interface Rec {
  merged?: { id?: string; say: Text } // into which one it was merged
  form: string
  id: string
  number?: string
  title?: string
  title_en?: string
  state?: string
  state_label?: Text
  etag: string
  unit?: { id: string; name: string }
  by?: { id: string; name: string }
  at?: string
  book?: string
  version?: string
  older?: boolean
  reveal?: Record<string, unknown>
  values: Values
  lines: Record<string, Line[]>
  opens?: { form: string; label: Text; field: string }[]
  path?: Step[]
  actions: { open: ActionOpen[]; closed: { id: string; label: Text; clause?: string; problem: Problem }[] }
  links?: { action: string; label: Text }[] // for which a link may be handed out
  clocks?: Clock[]
  copies?: Copy[]
  signatures?: { approval: string; rows?: number; by?: Person; at?: string; state: string; comment?: string; void_why?: Text }[]
  waiting?: { approval: string; label?: Text; who: Person[] }[]
  related?: Related[]
  sanctions?: { id?: string; text?: Text; label?: Text; number?: string; at?: string; state_label?: Text; clause?: string; form?: string }[]
  letters?: { id: string; about: Text; name?: unknown; org: string; address?: unknown; via: string; state: string; state_label: Text; at: string; sent_at?: string; why?: string }[]
  band?: { text?: Text; clause?: string; kind?: string } | string | null
  compare?: Comparison[]
  personal_copy?: boolean
}
export interface AroundGroup { form: string; label: Text; field: string; filter: string; total: number; more_than?: boolean; sum?: { label: Text; value: string } }
export interface Around {
  groups: AroundGroup[]
  parts: { form: string; label: Text; row: Row }[]
  ahead: Clock[]
  opens: { form: string; label: Text; field: string }[]
  blocked: { form: string; label: Text; problem: Problem }[]
}
export interface AlikeRow { form: string; id: string; number?: string; title?: string; state_label?: Text; why: { field: string; label: Text; same: boolean }[] }
export interface TimelineEvent extends HistoryEntry { form: string; record: string; number?: string; title?: string; state_label?: Text }
export interface Done { record: Rec; done: { action: string; at: string; text: Text; signed?: boolean; waiting?: (Text | Person)[] } }
export interface HistoryEntry {
  id: string
  at: string
  by?: Person
  by_link?: boolean // by somebody without an account, who had a link
  action?: string
  label?: Text
  text?: Text
  clauses?: string[]
  changes?: { field: string; label: Text; old: Value; new: Value }[]
  comment?: string
  proof?: Text // how he proved, for this act alone, that it was he
  kind?: string
}
export interface Why { text: Text; steps: { label: Text; value: Value; clause?: string; at?: string }[] }

export interface Task {
  id: string
  form: string
  record: string
  number?: string
  title?: string
  object?: Text
  customer?: Text | Ref
  deadline?: string
  label: Text
  clause?: string
  action?: string
  action_label?: Text
  due?: string | null
  from?: string | null
  state: string
  paused_for?: Text
  remaining_working?: boolean
  holder?: Person[]
  etag?: string
  sign?: boolean
  stage?: Text
  also?: { label: Text; clause?: string; due?: string | null }[]
  answers?: { action: string; label: Text }[]
}
/** One way to reach a person; quiet hours are minutes of the day. */
export interface Channel { id: string; kind: string; shown: string; quiet_from: number; quiet_until: number; at: string }
export interface Undelivered { id: string; name: string; kind: string; at: string; next: string; tries: number; dead: boolean; error: string }
export interface FailedJob { id: string; kind: string; form: string; name: string; about: string; at: string; next: string; tries: number; dead: boolean; error: string; done: number; total: number }
export interface Installation { database: string; warnings: string[]; copy?: { at: string; failing: boolean } }
export interface Tasks {
  now: string
  groups: { late: Task[]; today: Task[]; week: Task[]; later: Task[] }
  waiting: Task[]
  counts: { late: number; today: number; week: number; later: number }
  more: boolean
  recent?: { at: string; text: Text; form?: string; record?: string }[]
}

export interface ParamColumn { id: string; label: Text; type: string; upto?: boolean; options?: { id: string; label: Text }[] }
export interface Param {
  id: string
  label: Text
  type: string
  value: Value
  source?: string
  since?: string
  changed_by?: Text | Person
  clause?: string
  history?: { value: Value; from: string; by?: Text | Person; reason?: string }[]
  rows?: Values[]
  options?: { id: string; label: Text }[]
  key?: ParamColumn[]
  out?: ParamColumn[]
  may_change?: boolean
  may_try?: boolean
}
export interface DryDeadline {
  form: string
  form_label: Text
  id: string
  label: Text
  clause?: string
  count: number
  then: number
  moved: number
  late_now: number
  late_then: number
  added: number
  spared: number
  units: { unit: Ref; count: number }[]
  records: { id: string; form: string; name: string; number?: string; due?: string; then?: string; met?: string; added: boolean; unit?: Ref }[]
}
export interface DryChange { form: string; form_label: Text; label: Text; clause?: string; count: number; changed: number; now?: string; then?: string; ways?: { from: Text; to: Text; count: number }[] }
export interface DryRun {
  from: string
  until: string
  records: number
  more: boolean
  conflicts: { clause?: string; say: Text }[]
  deadlines: DryDeadline[]
  approvals: DryChange[]
  values: DryChange[]
  aside: { label: Text; text: Text }[]
}
export interface Clause {
  id: string
  book?: string
  kind: string
  text: Text
  default?: boolean
  legal?: Text
  proof?: string
  repeats?: string[]
  asleep?: boolean
  asleep_why?: Text
  does?: { element: string; label?: Text; path?: string; form?: string; text?: Text }[]
  params?: string[]
  scenarios?: number
  fired?: number
  last?: { at: string; form?: string; record?: string; number?: string } | null
  level?: number
}
export interface BookBrief { id: string; short?: Text; title: Text; version?: string; source?: Text; clauses?: { total: number; by_kind?: Record<string, number> }; adopted?: { unit: Text | { id: string; name: string }; from: string }[]; forms?: number; related?: string[] }
export interface BookRole { id: string; label: Text; holders?: { id: string; name: string }[]; conflicts?: string[]; held_in?: string; need?: string; signs?: Text[] }
export interface Book { id: string; title: Text; version?: string; source?: Text; clauses: Clause[]; parameters?: Param[]; roles?: BookRole[]; adopted?: BookBrief['adopted']; articles?: { id: string; title: Text }[]; related?: string[] }
export interface Scanned { form: string; id: string; number?: string; title?: string; label: Text; state_label?: Text; paper?: 'same' | 'changed' }
export interface DiffClause { id: string; kind: string; text: Text }
export interface DiffRow { left?: DiffClause; right?: DiffClause; status: 'same' | 'changed' | 'absent' | 'new'; changes: Text[] }
export interface BookDiff { left: { id: string; short: string; title: Text }; right: BookDiff['left']; count: Record<DiffRow['status'], number>; names: { left: Text; right: Text }[]; rows: DiffRow[]; other: Text[] }
export interface Notice { id: string; at: string; text: Text; form?: string; record?: string; read?: boolean; clause?: string }
export interface SearchResult { groups: { kind: string; label: Text; hits: { form?: string; id: string; number?: string; title?: Text; sub?: Text; mark?: string }[] }[] }
export interface StatRow { key: string; label?: Text; count?: number; sum?: string }
export interface Option { id: string; label: Text; sub?: Text; fits?: boolean }

export interface ImportRead { rows: number; columns: { name: string; sample: string[]; field: string }[]; fields: Field[]; match?: string[] }
export interface ExportJob {
  id: string
  form: string
  at: string
  state: 'running' | 'done' | 'stopped' | 'broken'
  total: number
  done: number
  until?: string
  problem?: Problem
}
export interface ExportRequest {
  id: string
  form: string
  rows: number
  purpose: string
  until: string
  state: string
  label: Text
  told: Text
  open: boolean
}
export interface ImportJob {
  id: string
  form: string
  file: string
  name: string
  dry: boolean
  state: 'running' | 'done' | 'stopped' | 'broken'
  total: number
  done: number
  good: number
  refused: number
  head: string[]
  rows: { row: number; items: { field?: string; column: number; clause?: string; say: Text }[] }[]
  alike?: { row: number; alike?: AlikeRow[]; twin?: number }[]
  match?: string
  changed?: number
  same?: number
  problem?: Problem
}
