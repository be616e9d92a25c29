/**
 * The one error class of the package. Every refusal a user can meet is a {@link BlazeError} whose `code` says what
 * happened, whose message says what was kept and what to do, and whose `details` are typed by the code.
 */

/** What `details` holds, by code. Codes that are not named here carry `undefined`. */
export interface ErrorDetails {
  INVALID_ARGUMENT: { readonly argument?: string }
  INVALID_VALUE: { readonly path: string }
  INVALID_PATCH: { readonly collection?: string }
  SCHEMA: { readonly issues: readonly { readonly path: string; readonly message: string }[] }
  SCHEMA_ASYNC: { readonly collection: string }
  SCHEMA_NOT_IDEMPOTENT: { readonly collection: string }
  SCHEMA_REQUIRED: { readonly collection: string }
  RESERVED_NAME: { readonly name: string }
  TOO_LARGE: { readonly limit: number; readonly actual: number }
  INVALID_QUERY: { readonly path: string }
  CURSOR_MISMATCH: undefined
  UNSUPPORTED: undefined
  CODEC: { readonly offset: number }
  NOT_FOUND: { readonly collection: string; readonly id: string | number }
  DUPLICATE_ID: { readonly collection: string; readonly id: string | number }
  UNIQUE: { readonly index: string; readonly key: readonly unknown[]; readonly id: string | number }
  CONFLICT: { readonly records: readonly { readonly collection: string; readonly id: string | number }[] }
  TRANSACTION_CLOSED: undefined
  TRANSACTION_TIMEOUT: { readonly timeoutMs: number; readonly openedAt: string | undefined }
  ABORTED: undefined
  READ_ONLY: undefined
  MEMORY_LIMIT: { readonly limit: number; readonly actual: number }
  HISTORY_GONE: { readonly commit: number; readonly oldest: number }
  SNAPSHOT_TOO_OLD: { readonly holder: string }
  COMMIT_UNKNOWN: undefined
  LOCKED: { readonly pid: number; readonly host: string; readonly since: string; readonly mode: string }
  NOT_A_DATABASE: { readonly path: string }
  NOT_A_BACKUP: { readonly path: string }
  BACKUP_CHAIN: { readonly reason: 'log-cleaned' | 'other-database' | 'other-history' | 'part-missing' }
  FORMAT_NEWER: { readonly found: number; readonly supported: number }
  VERSION_NEWER: { readonly collection: string; readonly stored: number; readonly declared: number }
  MIGRATION: { readonly collection: string; readonly step: number; readonly id: string | number | undefined }
  CLOSED: undefined
  CLOSE_TIMEOUT: { readonly transactions: readonly string[]; readonly openedAt: readonly (string | undefined)[] }
  DISK_FULL: undefined
  IO: { readonly operation: string; readonly file: string }
  POISONED: undefined
  CORRUPT: { readonly file: string; readonly offset: number; readonly expected: string; readonly found: string }
  PASSWORD_REQUIRED: undefined
  WRONG_PASSWORD: undefined
  NOT_ENCRYPTED: undefined
  TAMPERED: { readonly file: string; readonly offset: number; readonly expected: string; readonly found: string }
}

/** Every code an error of this package can carry. */
export type ErrorCode = keyof ErrorDetails

/** Codes after which the same call may succeed when it is made again. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['CONFLICT', 'SNAPSHOT_TOO_OLD', 'LOCKED', 'DISK_FULL'])

/** The codes, for tests and tools that list them. */
export const ERROR_CODES: readonly ErrorCode[] = [
  'INVALID_ARGUMENT',
  'INVALID_VALUE',
  'INVALID_PATCH',
  'SCHEMA',
  'SCHEMA_ASYNC',
  'SCHEMA_NOT_IDEMPOTENT',
  'SCHEMA_REQUIRED',
  'RESERVED_NAME',
  'TOO_LARGE',
  'INVALID_QUERY',
  'CURSOR_MISMATCH',
  'UNSUPPORTED',
  'CODEC',
  'NOT_FOUND',
  'DUPLICATE_ID',
  'UNIQUE',
  'CONFLICT',
  'TRANSACTION_CLOSED',
  'TRANSACTION_TIMEOUT',
  'ABORTED',
  'READ_ONLY',
  'MEMORY_LIMIT',
  'HISTORY_GONE',
  'SNAPSHOT_TOO_OLD',
  'COMMIT_UNKNOWN',
  'LOCKED',
  'NOT_A_DATABASE',
  'NOT_A_BACKUP',
  'BACKUP_CHAIN',
  'FORMAT_NEWER',
  'VERSION_NEWER',
  'MIGRATION',
  'CLOSED',
  'CLOSE_TIMEOUT',
  'DISK_FULL',
  'IO',
  'POISONED',
  'CORRUPT',
  'PASSWORD_REQUIRED',
  'WRONG_PASSWORD',
  'NOT_ENCRYPTED',
  'TAMPERED',
]

/**
 * An operating error of BlazeDB.
 * @example
 * try { await db.bugs.insert(bug) } catch (error) {
 *   if (isBlazeError(error, 'UNIQUE')) console.log(error.details.index)
 * }
 */
export class BlazeError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C
  readonly retryable: boolean
  readonly details: ErrorDetails[C]
  constructor(code: C, message: string, details: ErrorDetails[C], options?: { readonly cause?: unknown }) {
    super(message, options)
    // `ABORTED` keeps the platform's own name for it, so that code written for fetch() and streams recognises it.
    this.name = code === 'ABORTED' ? 'AbortError' : 'BlazeError'
    this.code = code
    this.retryable = RETRYABLE.has(code)
    this.details = details
  }
}

/** True when `error` is a BlazeError, and, with `code` given, one of that code: `details` is then typed by it. */
export function isBlazeError<C extends ErrorCode = ErrorCode>(error: unknown, code?: C): error is BlazeError<C> {
  return error instanceof BlazeError && (code === undefined || error.code === code)
}

/** The error of damaged bytes on disk: it always names file, offset, what was expected and what was found. */
export function corrupt(file: string, offset: number, expected: string, found: string): BlazeError<'CORRUPT'> {
  return new BlazeError(
    'CORRUPT',
    `${file} is damaged at byte ${offset}: expected ${expected}, found ${found}. Nothing was changed; put a good copy of the folder in its place.`,
    { file, offset, expected, found },
  )
}

/** The error of bytes that are there and are not what the keys of an encrypted database have sealed at this place. */
export function tampered(file: string, offset: number, expected: string, found: string): BlazeError<'TAMPERED'> {
  return new BlazeError(
    'TAMPERED',
    `${file} is not what this database has written, at byte ${offset}: expected ${expected}, found ${found}. Somebody has changed it, or the disk has damaged it; nothing of it was used, nothing was changed. Put a good copy of the folder in its place.`,
    { file, offset, expected, found },
  )
}

/** Damage of what is on disk: CORRUPT, or TAMPERED in an encrypted database. */
export type DamageError = BlazeError<'CORRUPT'> | BlazeError<'TAMPERED'>

/** True when `error` says that bytes on disk are damaged, whoever did it. */
export function isDamage(error: unknown): error is DamageError {
  return isBlazeError(error, 'CORRUPT') || isBlazeError(error, 'TAMPERED')
}
