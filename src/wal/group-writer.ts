/**
 * The group writer: brings built frames to the device, one write at a time.
 *
 *   builder ──▶ queue of segments ──▶ one step in flight ──▶ durable / accepted ──▶ events.advanced ──▶ next step
 *               [older … newest]        header | frames | sync
 *
 * Everything is a *step*; the next one is chosen when none is in flight:
 *   header   a segment is begun: its predecessor is durable whole, its 512 bytes state where that ended
 *   frames   whole frames of one segment, at most 1 MB, sealed when the step is chosen, so that they carry what is
 *            durable at that moment. `full`: on the device when it has succeeded (O_DSYNC, or write + fdatasync); else
 *            the operating system has it ("accepted"), and a `sync` step follows within the bound
 *   sync     fdatasync of what was accepted
 *
 * A step runs asynchronously, or on the calling thread: when a lone commit meets a fast device, in flushSync, and when
 * the watchdog finds that the pool of threads has not come to it. The thread then writes the *same bytes* of the step in
 * flight again before anything else; what the pool does later changes nothing, because sealed frames never change and no
 * descriptor is closed while an operation is out.
 *
 * Invariants: durable ≤ accepted, both only rise; an advance is told before the next step is begun; a failed step poisons:
 * nothing is retried, nothing more is written, `failed` is told once, who waits is refused. Bytes of a position are
 * written with one content only.
 */
import { BlazeError } from '../base/errors.ts'
import type { Lsn } from '../base/ids.ts'
import { lsnOf } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import type { Platform } from '../platform/platform.ts'
import { FileError } from '../platform/platform.ts'
import { FlushWaiters } from './flush-waiters.ts'
import { SEGMENT_HEAD } from './frame.ts'
import type { LogConfig, LogPosition } from './log-config.ts'
import { Pace } from './pace.ts'
import type { Segment } from './segment.ts'
import { encodeHeader } from './segment.ts'
import { WriteQueue } from './write-queue.ts'
import { runStep, runStepSync, type Step } from './write-step.ts'

/** What runs after this is settled runs at the end of the turn; `queueMicrotask` costs a microsecond more. */
const TURN_END = Promise.resolve()

/** Counters for stats(). */
export interface WriterStats {
  readonly writes: number
  readonly syncWrites: number
  readonly rescuedWrites: number
  readonly syncs: number
  readonly bytesWritten: number
  readonly medianWriteMs: number
  /** Descriptors that could not be closed. */
  readonly failedCloses: number
}

export class GroupWriter {
  readonly #platform: Platform
  readonly #config: LogConfig
  readonly #queue: WriteQueue
  readonly #pace: Pace
  readonly #waiters = new FlushWaiters()
  /** Closes the builder's open frame, so that all that is built can be sealed. */
  readonly #closeFrame: () => void
  /** Told once, when the first segment of this open is begun: the older file may be cut to its end. */
  readonly #begun: () => void

  #durable: Lsn
  #accepted: Lsn
  /** Up to here a full (a relaxed) commit wants to be written. */
  #fullTo: Lsn
  #writeTo: Lsn
  #syncDue = false
  #scheduled = false
  #flight: Step | undefined
  #cancelWatchdog: (() => void) | undefined
  #cancelRelaxed: (() => void) | undefined
  #outstanding = 0
  #late = 0
  #idle: (() => void)[] = []
  #poison: BlazeError<'POISONED'> | undefined
  #anyBegun = false
  #writes = 0
  #syncWrites = 0
  #rescued = 0
  #syncs = 0
  #bytesWritten = 0
  #failedCloses = 0

  constructor(config: LogConfig, start: LogPosition, closeFrame: () => void, begun: () => void) {
    this.#platform = config.platform
    this.#config = config
    this.#pace = new Pace(config.syncWrites, config.platform.clock)
    this.#queue = new WriteQueue(start)
    this.#closeFrame = closeFrame
    this.#begun = begun
    this.#durable = start.lsn
    this.#accepted = start.lsn
    this.#fullTo = start.lsn
    this.#writeTo = start.lsn
  }

  get durable(): Lsn {
    return this.#durable
  }

  get accepted(): Lsn {
    return this.#accepted
  }

  /** The error that everything but reading gets since a write failed. */
  get poison(): BlazeError<'POISONED'> | undefined {
    return this.#poison
  }

  stats(): WriterStats {
    return {
      writes: this.#writes,
      syncWrites: this.#syncWrites,
      rescuedWrites: this.#rescued,
      syncs: this.#syncs,
      bytesWritten: this.#bytesWritten,
      medianWriteMs: this.#pace.medianMs,
      failedCloses: this.#failedCloses,
    }
  }

  /** Adds a segment that the builder has begun to fill. */
  enqueue(segment: Segment): void {
    this.#queue.push(segment)
  }

  /** Bytes that are built and not yet given to the operating system. */
  pendingBytes(): number {
    return this.#queue.pendingBytes()
  }

  /** A commit is complete and wants this durability; the write begins at the end of the turn. */
  want(full: boolean, end: Lsn): void {
    if (this.#poison !== undefined) return
    this.#writeTo = end
    if (full) this.#fullTo = end
    this.#pace.commit()
    if (this.#scheduled || this.#flight !== undefined) return
    this.#scheduled = true
    void TURN_END.then(this.#pumpSoon)
  }

  readonly #pumpSoon = (): void => {
    this.#scheduled = false
    this.#pump()
  }

  /** Resolves when everything built so far is durable. */
  flush(): Promise<void> {
    if (this.#poison !== undefined) return Promise.reject(this.#poison)
    this.#closeFrame()
    const { end } = this.#queue
    if (this.#durable >= end) return Promise.resolve()
    this.want(true, end)
    return this.#waiters.wait(end)
  }

  /** The same, blocking. Throws POISONED. */
  flushSync(): void {
    if (this.#poison !== undefined) throw this.#poison
    this.#closeFrame()
    const { end } = this.#queue
    if (this.#durable >= end) return
    this.#writeTo = end
    this.#fullTo = end
    if (this.#flight !== undefined) this.#takeOver(this.#flight)
    while (this.#poison === undefined && this.#durable < end) {
      const step = this.#nextStep()
      invariant(step !== undefined, () => 'a log that is not durable has a next step')
      this.#runSync(step)
    }
    if (this.#poison !== undefined) throw this.#poison
  }

  /** Seals all that is built, now: the end of the log and the chain there. */
  boundary(): LogPosition {
    this.#closeFrame()
    // What is in flight will be durable when these frames are written, or they never are.
    const flight = this.#flight
    const before = flight?.kind === 'frames' && flight.full ? flight.end : this.#durable
    return this.#queue.sealAll(before)
  }

  /** Resolves when the system has given back every operation. */
  idle(): Promise<void> {
    if (this.#outstanding === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  /** Releases timers and the descriptors of the segments that are still open for writing; after idle(). */
  close(): void {
    this.#cancelRelaxed?.()
    this.#cancelWatchdog?.()
    for (const segment of this.#queue.segments) this.#release(segment)
  }

  #pump(): void {
    while (this.#flight === undefined && this.#poison === undefined) {
      const step = this.#nextStep()
      if (step === undefined) return
      if (this.#pace.blocks(step, this.#late > 0)) this.#runSync(step)
      else this.#launch(step)
    }
  }

  /** What is to be done next, or undefined. Seals the frames that it names. */
  #nextStep(): Step | undefined {
    const segment = this.#queue.first
    if (segment === undefined) return undefined
    const wanted = this.#writeTo > this.#accepted
    const urgent = this.#fullTo > this.#durable
    if (wanted) {
      this.#closeFrame()
      if (!segment.begun) return this.#headerStep(segment)
      if (segment.writtenTo < segment.usedBytes) return this.#framesStep(segment)
      const successor = this.#queue.second
      invariant(successor !== undefined, () => 'frames that are wanted lie in a segment of the queue')
      if (this.#accepted > this.#durable) return this.#syncStep(segment, true)
      return this.#headerStep(successor)
    }
    return this.#accepted > this.#durable && (urgent || this.#syncDue) ? this.#syncStep(segment, urgent) : undefined
  }

  #headerStep(segment: Segment): Step {
    const { fileId, epochSalt, seals } = this.#config
    const { keyId } = seals
    const { lsn: prevEnd, chain: prevChain } = this.#queue.endBefore(segment)
    const header = { kind: 'log', id: segment.id, fileId, epochSalt, prevEnd, prevChain, keyId } as const
    const source = encodeHeader(header, seals)
    return this.#step('header', segment, source, 0, SEGMENT_HEAD, true, this.#durable)
  }

  #framesStep(segment: Segment): Step {
    const to = this.#queue.writeEnd(segment)
    this.#queue.seal(segment, to, this.#durable)
    const full = this.#fullTo > this.#accepted
    const source = segment.sealedBytes ?? segment.bytes
    return this.#step('frames', segment, source, segment.writtenTo, to, full, lsnOf(segment.id, to))
  }

  #syncStep(segment: Segment, urgent: boolean): Step {
    return { ...this.#step('sync', segment, segment.bytes, 0, 0, true, this.#accepted), urgent }
  }

  #step(
    kind: Step['kind'],
    segment: Segment,
    source: Uint8Array,
    from: number,
    to: number,
    full: boolean,
    end: Lsn,
  ): Step {
    // O_DSYNC makes its own range durable only: behind accepted bytes that are not, one fdatasync serves both.
    const durableWrite = full && kind !== 'sync' && this.#accepted === this.#durable
    const handle = durableWrite ? (segment.durableHandle ?? segment.plainHandle) : segment.plainHandle
    invariant(handle !== undefined, () => `segment ${segment.id} is open for writing`)
    const syncAfter = full && handle !== segment.durableHandle
    return { kind, segment, source, from, to, full, end, handle, syncAfter, urgent: full, taken: false }
  }

  #runSync(step: Step): void {
    const began = this.#platform.clock.monotonic()
    try {
      runStepSync(step)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#syncWrites++
    this.#complete(step, began)
  }

  #launch(step: Step): void {
    this.#flight = step
    step.segment.outstanding++
    this.#outstanding++
    const { clock } = this.#platform
    const { watchdogMs } = this.#pace
    if (step.urgent && watchdogMs !== undefined) {
      // After the timer once round the loop: a thread that was busy itself finds the write done there.
      this.#cancelWatchdog = clock.after(watchdogMs, () => clock.soon(() => this.#rescue(step)))
    }
    const began = clock.monotonic()
    runStep(step).then(
      () => this.#landed(step, began),
      (error: unknown) => this.#landed(step, began, error),
    )
  }

  /** The pool has not come to a step: this thread does it. */
  #rescue(step: Step): void {
    if (this.#flight !== step) return
    this.#rescued++
    this.#takeOver(step)
    this.#pump()
  }

  /** The system has given an asynchronous step back. */
  #landed(step: Step, began: number, error?: unknown): void {
    this.#outstanding--
    step.segment.outstanding--
    if (step.segment.outstanding === 0 && !this.#queue.segments.includes(step.segment)) this.#release(step.segment)
    if (step.taken) {
      this.#late--
    } else {
      this.#clearFlight()
      if (error !== undefined) this.#fail(error)
      else this.#complete(step, began)
    }
    if (this.#outstanding === 0) for (const resolve of this.#idle.splice(0)) resolve()
    this.#pump()
  }

  /** Writes the step in flight again on this thread: the same bytes, so that it matters not when the first write lands. */
  #takeOver(step: Step): void {
    step.taken = true
    this.#late++
    this.#clearFlight()
    this.#runSync(step)
  }

  #clearFlight(): void {
    this.#flight = undefined
    this.#cancelWatchdog?.()
    this.#cancelWatchdog = undefined
  }

  #complete(step: Step, began: number): void {
    const { segment } = step
    if (step.kind === 'header') this.#beginSegment(segment)
    if (step.kind === 'frames') {
      segment.writtenTo = step.to
      this.#accepted = step.end
    }
    if (step.kind === 'sync') this.#syncs++
    else this.#writes++
    this.#bytesWritten += step.to - step.from
    if (step.full && step.kind !== 'sync') this.#pace.sample(this.#platform.clock.monotonic() - began)
    if (step.kind === 'header') return
    if (step.full) this.#durable = step.end
    this.#armRelaxed()
    this.#config.events.advanced(this.#durable, this.#accepted)
    this.#waiters.reached(this.#durable)
  }

  #beginSegment(segment: Segment): void {
    segment.begun = true
    const previous = this.#queue.first
    if (previous !== undefined && previous !== segment) {
      this.#queue.shift()
      if (previous.outstanding === 0) this.#release(previous)
    }
    if (this.#anyBegun) return
    this.#anyBegun = true
    this.#begun()
  }

  /** Bounds how long accepted bytes stay off the device. */
  #armRelaxed(): void {
    if (this.#accepted === this.#durable) {
      this.#syncDue = false
      this.#cancelRelaxed?.()
      this.#cancelRelaxed = undefined
      return
    }
    this.#cancelRelaxed ??= this.#platform.clock.after(this.#config.relaxedDelayMs, () => {
      this.#cancelRelaxed = undefined
      this.#syncDue = true
      this.#pump()
    })
  }

  /** Closes the descriptors of a segment that nobody writes any more. */
  #release(segment: Segment): void {
    const handles = [segment.durableHandle, segment.plainHandle]
    segment.durableHandle = undefined
    segment.plainHandle = undefined
    segment.sealedBytes = undefined
    for (const handle of handles) {
      try {
        handle?.closeSync()
      } catch (error) {
        if (!(error instanceof FileError)) throw error
        this.#failedCloses++ // its frames are durable: a descriptor that does not close takes nothing back
      }
    }
  }

  #fail(cause: unknown): void {
    if (this.#poison !== undefined) return
    this.#poison = new BlazeError(
      'POISONED',
      `A write of the log failed (${cause instanceof Error ? cause.message : String(cause)}). What was acknowledged is kept and can be read; nothing more is written. Reopen the database to write again.`,
      undefined,
      { cause },
    )
    this.#clearFlight()
    this.#cancelRelaxed?.()
    this.#cancelRelaxed = undefined
    this.#waiters.refuse(this.#poison)
    this.#config.events.failed(cause)
  }
}
