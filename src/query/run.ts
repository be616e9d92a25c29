/** Pulls rows out of an execution: all at once, in slices that let the event loop turn, or one by one for the caller. */
import { BlazeError } from '../base/errors.ts'
import { type Execution, openExecution } from './execute.ts'
import { planText } from './explain.ts'
import { PAUSE, type Step } from './operators/operator.ts'
import type { QueryData } from './query-data.ts'
import type { RowKey } from './row-order.ts'
import type { QueryRunner, Row } from './source.ts'
import type { AsyncOptions } from './types.ts'

/**
 * A slice is ended when it has lasted this long, looked at every STEPS_PER_LOOK steps: with what the steps in between
 * may take it stays below 5 ms.
 */
const SLICE_MS = 3
const STEPS_PER_LOOK = 8

/** Runs to the end and hands each row to `visit`. Blocks; reports a query that blocked for too long. */
export function runQuery(data: QueryData, runner: QueryRunner, visit: (row: Row) => void, after?: RowKey): void {
  const start = runner.now()
  const execution = openExecution(data, runner, { after })
  try {
    for (let step = execution.next(); step !== undefined; step = execution.next()) if (step !== PAUSE) visit(step)
  } finally {
    execution.close()
  }
  reportSlow(data, runner, execution, runner.now() - start)
}

/** The same run, in slices. The snapshot is that of the call. */
export async function runQueryAsync(
  data: QueryData,
  runner: QueryRunner,
  visit: (row: Row) => void,
  options: AsyncOptions,
): Promise<void> {
  throwIfAborted(options.signal)
  const execution = openExecution(data, runner)
  try {
    await drainInSlices(execution, runner, visit, options)
  } finally {
    execution.close()
  }
}

/** Pulls an open execution to its end, in slices. */
export async function drainInSlices(
  execution: Execution,
  runner: QueryRunner,
  visit: (row: Row) => void,
  { signal }: AsyncOptions,
): Promise<void> {
  const slices = new Slices(runner)
  for (let step = execution.next(); step !== undefined; step = execution.next()) {
    if (step !== PAUSE) visit(step)
    if (slices.isOver(step)) {
      await slices.next()
      throwIfAborted(signal)
    }
  }
}

/** Row by row: the snapshot is held from the first `next()` to the end, `return` or `break`. */
export async function* iterateQuery(
  data: QueryData,
  runner: QueryRunner,
  { signal }: AsyncOptions,
): AsyncGenerator<Row, void, undefined> {
  throwIfAborted(signal)
  const execution = openExecution(data, runner)
  try {
    const slices = new Slices(runner)
    for (let step = execution.next(); step !== undefined; step = execution.next()) {
      if (step !== PAUSE) yield step
      // An await of a row is no turn of the event loop, so the caller's loop is counted in.
      if (slices.isOver(step)) await slices.next()
      throwIfAborted(signal)
    }
  } finally {
    execution.close()
  }
}

/** Rejects with ABORTED when the signal says so. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  throw new BlazeError('ABORTED', 'The query was aborted by its signal; nothing was changed.', undefined, {
    cause: signal.reason,
  })
}

/** Measures slices of work. */
class Slices {
  readonly #runner: QueryRunner
  #start: number
  #steps = 0

  constructor(runner: QueryRunner) {
    this.#runner = runner
    this.#start = runner.now()
  }

  isOver(step: Step): boolean {
    if (step !== PAUSE && ++this.#steps % STEPS_PER_LOOK !== 0) return false
    return this.#runner.now() - this.#start >= SLICE_MS
  }

  async next(): Promise<void> {
    await this.#runner.yield()
    this.#start = this.#runner.now()
  }
}

function reportSlow(data: QueryData, runner: QueryRunner, execution: Execution, elapsedMs: number): void {
  if (runner.slowQueryMs === undefined || elapsedMs < runner.slowQueryMs) return
  runner.onSlowQuery?.({ query: data, elapsedMs, plan: planText(execution.plan) })
}
