import { BlazeError } from '../base/errors.ts'
import { FileError } from './platform.ts'

const OPERATIONS = [
  'openSync',
  'readSync',
  'read',
  'writeSync',
  'write',
  'syncSync',
  'sync',
  'sizeSync',
  'truncateSync',
  'closeSync',
  'listSync',
  'existsSync',
  'makeFolderSync',
  'renameSync',
  'unlinkSync',
  'removeFolderSync',
  'syncFolderSync',
  'syncFolder',
  'realPathSync',
  'freeBytesSync',
] as const

/** The calls that a plan counts and can make fail, by the names of the interface's methods. */
export type FileOperation = (typeof OPERATIONS)[number]

/**
 * How a call fails.
 * - 'EIO', 'ENOSPC': throws. A write that fails with EIO may have reached the device in part; a sync that fails with EIO
 *   has its data marked clean, so that the next sync succeeds and still promises nothing for them. ENOSPC writes nothing.
 * - 'short': a read or write does half of what was asked. Other calls do not know short, and succeed.
 * - 'crash': the power fails within the call: its effect is in flight (see MemoryPlatform.crash), and it and every later
 *   call throw EIO.
 */
export type FaultCode = 'EIO' | 'ENOSPC' | 'short' | 'crash'

const CODES: readonly FaultCode[] = ['EIO', 'ENOSPC', 'short', 'crash']

/** One traced call. */
export interface TracedCall {
  readonly operation: FileOperation
  readonly path: string
  readonly position: number
  readonly size: number
}

/** A slow disk: each call that matches takes so long. */
interface Delay {
  readonly operation: FileOperation | 'any'
  readonly path: string
  readonly delayMs: number
}

interface Rule {
  readonly operation: FileOperation | 'any'
  readonly path: string
  readonly code: FaultCode
  readonly sticky: boolean
  left: number
}

/**
 * What goes wrong, and when: a list of rules, each waiting for the nth call that it matches. Every call of the memory twin, or of files wrapped by {@link faultyFiles}, asks
 * {@link next} once, so that a test can run a scenario without faults, read `callCount`, and then fail each call in turn.
 */
export class FaultPlan {
  #callCount = 0
  #rules: Rule[] = []
  #delays: Delay[] = []
  #trace: TracedCall[] | undefined
  #dead = false

  /** Calls seen so far. */
  get callCount(): number {
    return this.#callCount
  }

  /** True after a 'crash' fault: nothing works any more. */
  get dead(): boolean {
    return this.#dead
  }

  /**
   * Makes the `n`th call from now (1 = the next) that matches fail; with `sticky` also each one after it. `path` limits
   * the rule to paths that contain it. 'write' matches both ways to write, writeSync too, and so do 'read', 'sync' and
   * 'syncFolder'; a name that ends in Sync matches only that one. Errors: INVALID_ARGUMENT.
   */
  failNth(
    operation: FileOperation | 'any',
    n: number,
    code: FaultCode,
    options: { readonly sticky?: boolean; readonly path?: string } = {},
  ): this {
    assertOperation(operation)
    if (!Number.isSafeInteger(n) || n < 1) throw refused('n', `n counts calls from 1, found ${String(n)}`)
    if (!CODES.includes(code)) throw refused('code', `a call fails by ${CODES.join(', ')}, found ${String(code)}`)
    assertFilter('failNth()', options, ['sticky', 'path'])
    this.#rules.push({ operation, path: options.path ?? '', code, sticky: options.sticky ?? false, left: n })
    return this
  }

  /**
   * Makes each call that matches take `delayMs` of the platform's clock from now on: an asynchronous one settles so much
   * later, after those before it, as on a device with one queue; a synchronous one blocks, so that time goes by in it.
   * `path` limits it to paths that contain it. The last that matches counts. Names as for {@link failNth}.
   */
  slow(operation: FileOperation | 'any', delayMs: number, options: { readonly path?: string } = {}): this {
    assertOperation(operation)
    if (!Number.isFinite(delayMs) || delayMs < 0)
      throw refused('delayMs', `a delay is from 0 ms, found ${String(delayMs)}`)
    assertFilter('slow()', options, ['path'])
    this.#delays.push({ operation, path: options.path ?? '', delayMs })
    return this
  }

  /** Forgets all rules and delays: what was broken works again (but not after a crash). */
  clear(): void {
    this.#rules = []
    this.#delays = []
  }

  /** How long a call takes, in milliseconds. */
  delayOf(operation: FileOperation, path: string): number {
    if (this.#delays.length === 0) return 0
    return this.#delays.findLast((delay) => matches(delay, operation, path))?.delayMs ?? 0
  }

  /** Begins to note each call; returns the list, which grows. */
  trace(): readonly TracedCall[] {
    this.#trace ??= []
    return this.#trace
  }

  /** Counts a call and returns how it fails, if it does. */
  next(operation: FileOperation, path: string, position = 0, size = 0): FaultCode | undefined {
    if (this.#dead) throw new FileError('EIO', operation, path)
    this.#callCount++
    this.#trace?.push({ operation, path, position, size })
    let fault: FaultCode | undefined
    for (const rule of this.#rules) {
      if (!matches(rule, operation, path)) continue
      rule.left--
      if (rule.left === 0 || (rule.sticky && rule.left < 0)) fault ??= rule.code
    }
    if (fault === 'crash') this.#dead = true
    return fault
  }
}

/** How many of `size` bytes a short read or write does. */
export function shortSize(size: number): number {
  return size <= 1 ? size : size >> 1
}

function matches({ operation: named, path: part }: Rule | Delay, operation: FileOperation, path: string): boolean {
  const isNamed = named === 'any' || named === operation || `${named}Sync` === operation
  return isNamed && path.includes(part)
}

/** A rule that never matches would let a test pass that tests nothing. */
function assertOperation(operation: FileOperation | 'any'): void {
  if (operation === 'any' || OPERATIONS.includes(operation)) return
  throw refused('operation', `no call to a disk is named ${String(operation)}; there are any, ${OPERATIONS.join(', ')}`)
}

function assertFilter(call: string, options: { readonly path?: unknown }, known: readonly string[]): void {
  const unknown = Object.keys(options ?? {}).find((name) => !known.includes(name))
  if (unknown !== undefined) throw refused(unknown, `${call} has no option '${unknown}'; it has ${known.join(', ')}`)
  if (typeof options !== 'object' || options === null || !['string', 'undefined'].includes(typeof options.path)) {
    throw refused('options', `${call} takes its options as an object, and path as text`)
  }
}

function refused(argument: string, text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}. The plan is as it was.`, { argument })
}
