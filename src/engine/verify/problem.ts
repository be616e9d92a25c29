/** What a verification finds: data, not errors. */
import { isBlazeError, isDamage } from '../../base/errors.ts'
import type { RecordId } from '../../base/ids.ts'

/** What is wrong, by what would be hurt. */
export type ProblemKind =
  | 'identity'
  | 'root'
  | 'directory'
  | 'page'
  | 'log'
  | 'record'
  | 'table'
  | 'index'
  | 'unique'
  | 'text'
  | 'columns'
  | 'piece'
  | 'space'
  | 'schema'
  | 'open'

export interface VerifyProblem {
  readonly kind: ProblemKind
  readonly text: string
  readonly whatToDo: string
  readonly file?: string
  /** Bytes from the start of the file. */
  readonly offset?: number
  readonly collection?: string
  readonly id?: RecordId
}

/** Looks at things one after the other: yields what is wrong, and `undefined` where others may run in between. */
export type Check<R = void> = Generator<VerifyProblem | undefined, R, undefined>

/** Where a problem is. */
export type ProblemPlace = Omit<VerifyProblem, 'kind' | 'text' | 'whatToDo'>

const REBUILD =
  'The log has everything: close the database, put an empty file named `rebuild` into its folder, and open it; what is derived is then made again.'

const ADVICE: Readonly<Record<ProblemKind, string>> = {
  identity: 'The other identity file is used. Open the database for writing: it writes this one again.',
  root: 'Open the database for writing: a plain one makes its root again from the log. Where that is refused, restore a backup; where there is none, repair() makes it again.',
  directory: `Open the database for writing. ${REBUILD}`,
  page: REBUILD,
  log: 'Restore a backup. Where there is none, repair() keeps what comes before the damage.',
  record: 'Other records are not concerned. Restore a backup beside the database and take this record from there.',
  table: REBUILD,
  index: 'Drop the index and create it again, or rebuild the database.',
  unique: 'Change or delete one of the two records.',
  text: REBUILD,
  columns: 'Close the database and open it again: columns live in memory only.',
  piece: 'The record cannot be read whole. Restore a backup beside the database and take it from there.',
  space: `Nothing is lost; the log is cleaned too early or too late. ${REBUILD}`,
  schema: 'The record does not fit the schema of today. Update it, or declare a migration.',
  open: 'See the problems before this one. Restore a backup, or use repair().',
}

const UNREAD =
  'The system refused to read it, which says nothing of what is in it: look at the disk and its permissions, and verify again.'

export function problem(kind: ProblemKind, text: string, place: ProblemPlace = {}): VerifyProblem {
  return { kind, text, whatToDo: ADVICE[kind], ...place }
}

/** The problem that an error of reading is; anything that is none is thrown on. */
export function problemOf(kind: ProblemKind, error: unknown, place: ProblemPlace = {}): VerifyProblem {
  if (isDamage(error)) {
    const { file, offset, expected, found } = error.details
    return problem(kind, `${file} at byte ${offset}: expected ${expected}, found ${found}`, { file, offset, ...place })
  }
  if (isBlazeError(error, 'IO')) return { ...problem(kind, error.message, place), whatToDo: UNREAD }
  if (isBlazeError(error, 'CODEC') || isBlazeError(error, 'FORMAT_NEWER')) return problem(kind, error.message, place)
  throw error
}
