/**
 * Runs a user's function as a transaction, again when it lost to another commit: the first time at once, then after a
 * random 0 … min(2^n, 64) ms. A transaction that keeps losing gets a turnstile: other transactions wait with their
 * commit until it is done, for a bounded time, so that in every round somebody gets through and nobody starves.
 */
import { BlazeError, isBlazeError } from '../base/errors.ts'
import type { Core } from './core.ts'
import { assertKnown } from './known-options.ts'
import { atPlace } from './open-handle.ts'
import type { Durability } from './publisher.ts'
import { type Isolation, TransactionSession } from './transaction.ts'

export interface TransactionOptions {
  /** `serializable` (default): as if transactions ran one after another. `snapshot`: write skew is possible. */
  readonly isolation?: Isolation
  readonly durability?: Durability
  /** How often it is run again after a conflict; 10 by default. */
  readonly retries?: number
  /** Rolled back with TRANSACTION_TIMEOUT when an attempt takes longer. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

const DEFAULT_RETRIES = 10
/** From this attempt on the turnstile is taken. */
const STARVING_FROM = 5
/** Nobody waits at the turnstile for longer. */
const TURNSTILE_MS = 250

export async function runTransaction<V>(
  core: Core,
  options: TransactionOptions,
  run: (session: TransactionSession) => V | Promise<V>,
): Promise<V> {
  assertKnown('transaction()', options, ['isolation', 'durability', 'retries', 'timeoutMs', 'signal'])
  const retries = checkedRetries(options.retries)
  checkTimeout(options.timeoutMs)
  for (let attempt = 0; ; attempt++) {
    throwIfAborted(options.signal)
    const leave = attempt >= STARVING_FROM ? enterTurnstile(core) : undefined
    try {
      return await runOnce(core, options, leave !== undefined, run)
    } catch (error) {
      if (!isBlazeError(error, 'CONFLICT') || attempt >= retries) throw error
    } finally {
      leave?.()
    }
    if (attempt > 0) await core.platform.clock.wait(core.platform.random.next() * Math.min(2 ** attempt, 64))
  }
}

async function runOnce<V>(
  core: Core,
  options: TransactionOptions,
  privileged: boolean,
  run: (session: TransactionSession) => V | Promise<V>,
): Promise<V> {
  const session = new TransactionSession(core, {
    isolation: options.isolation ?? 'serializable',
    durability: options.durability ?? core.options.durability,
    label: 'transaction',
  })
  const guard =
    options.timeoutMs === undefined && options.signal === undefined ? undefined : guardSession(core, session, options)
  try {
    const running = run(session)
    const value = await (guard === undefined ? running : Promise.race([running, guard.ended]))
    if (!privileged && core.turnstile !== undefined) await core.turnstile
    await session.commit()
    return value
  } catch (error) {
    session.rollback()
    throw error
  } finally {
    guard?.stop()
  }
}

/** Ends the session when its time is over or its signal says so. */
function guardSession(
  core: Core,
  session: TransactionSession,
  { timeoutMs, signal }: TransactionOptions,
): { readonly ended: Promise<never>; stop(): void } {
  let reject: (error: BlazeError) => void = () => undefined
  const ended = new Promise<never>((_, refuse) => {
    reject = refuse
  })
  // Whoever races against it sees the rejection; without a race it must not end the process.
  ended.catch(() => undefined)
  const end = (error: BlazeError): void => {
    session.end(error)
    reject(error)
  }
  const onAbort = (): void => end(abortedError(signal))
  signal?.addEventListener('abort', onAbort, { once: true })
  const cancel =
    timeoutMs === undefined
      ? undefined
      : core.platform.clock.after(timeoutMs, () => end(timeoutError(timeoutMs, session.openedAt)))
  return {
    ended,
    stop() {
      cancel?.()
      signal?.removeEventListener('abort', onAbort)
    },
  }
}

function enterTurnstile(core: Core): (() => void) | undefined {
  if (core.turnstile !== undefined) return undefined
  let open: () => void = () => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  core.turnstile = gate
  const leave = (): void => {
    if (core.turnstile === gate) core.turnstile = undefined
    cancel()
    open()
  }
  const cancel = core.platform.clock.after(TURNSTILE_MS, () => leave())
  return leave
}

function checkedRetries(retries: number | undefined): number {
  if (retries === undefined) return DEFAULT_RETRIES
  if (Number.isInteger(retries) && retries >= 0) return retries
  throw new BlazeError('INVALID_ARGUMENT', `retries must be a whole number from 0, found ${retries}`, {
    argument: 'retries',
  })
}

function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined || (typeof timeoutMs === 'number' && timeoutMs >= 0)) return
  throw new BlazeError(
    'INVALID_ARGUMENT',
    `timeoutMs must be a number from 0, found ${timeoutMs}; nothing was written`,
    {
      argument: 'timeoutMs',
    },
  )
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError(signal)
}

function abortedError(signal: AbortSignal | undefined): BlazeError<'ABORTED'> {
  return new BlazeError('ABORTED', 'aborted by its signal; nothing was written', undefined, { cause: signal?.reason })
}

function timeoutError(timeoutMs: number, openedAt: string | undefined): BlazeError<'TRANSACTION_TIMEOUT'> {
  return new BlazeError(
    'TRANSACTION_TIMEOUT',
    `the transaction${atPlace(openedAt)} took longer than ${timeoutMs} ms and was rolled back; nothing was written. Do less in it, or raise timeoutMs.`,
    { timeoutMs, openedAt },
  )
}
