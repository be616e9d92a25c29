/** One step of the group writer: what goes to the system in one piece, and how. */
import type { Lsn } from '../base/ids.ts'
import { FileError, type FileHandle } from '../platform/platform.ts'
import type { Segment } from './segment.ts'

/**
 * `header` begins a segment, `frames` writes whole frames of one segment, `sync` makes durable what was accepted. A full
 * step has succeeded when it is durable. `source` is indexed by offset in the file: the bytes in memory, or what an
 * encrypting seal has made of them, of the same size.
 */
export interface Step {
  readonly kind: 'header' | 'frames' | 'sync'
  readonly segment: Segment
  readonly source: Uint8Array
  readonly from: number
  readonly to: number
  readonly full: boolean
  /** True when somebody waits for it to be durable: the watchdog looks after it. */
  readonly urgent: boolean
  /** The position that is reached when it has succeeded. */
  readonly end: Lsn
  readonly handle: FileHandle
  readonly syncAfter: boolean
  /** Set when the main thread does it again: its late completion is ignored. */
  taken: boolean
}

/** Does a step on this thread. Throws FileError. */
export function runStepSync(step: Step): void {
  for (let at = step.from; at < step.to; ) {
    at += progress(step, step.handle.writeSync(step.source, at, step.to - at, at))
  }
  if (step.syncAfter) step.handle.syncSync()
}

/** Does a step on the pool of threads; leaves off when the main thread has taken it over. */
export async function runStep(step: Step): Promise<void> {
  for (let at = step.from; at < step.to; ) {
    at += progress(step, await step.handle.write(step.source, at, step.to - at, at))
    if (step.taken) return
  }
  if (step.syncAfter) await step.handle.sync()
}

/** A short write goes on where it ended; one that moves nothing would loop for ever. */
function progress(step: Step, written: number): number {
  if (written <= 0) throw new FileError('EIO', 'write', step.segment.path)
  return written
}
