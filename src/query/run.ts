/** Pulls rows out of an execution: all at once, in slices that let the event loop turn, or one by one for the caller. */
import { BlazeError } from '../base/errors.ts'
import { type ExecuteOptions, type Execution, openExecution } from './execute.ts'
import { planText } from './explain.ts'
import { PAUSE } from './operators/operator.ts'
import type { QueryData } from './query-data.ts'
import type { RowKey } from './row-order.ts'
import { END, type QueryRunner, type Row } from './source.ts'
import type { AsyncOptions } from './types.ts'

/**
 * A slice is ended when it has lasted this long, looked at every ROWS_PER_LOOK rows and at every pause: with what the
 * rows in between may take it stays below 5 ms.
 */
const SLICE_MS = 3
const ROWS_PER_LOOK = 8

/** Runs to the end; the rows. Blocks; reports a query that blocked for too long. */
export function runQuery(data: QueryData, runner: QueryRunner, after?: RowKey): Row[] {
  const rows: Row[] = []
  runAtOnce(data, runner, { after }, (execution) => {
    while (execution.read(rows) !== END);
  })
  return rows
}

/** Runs to the end; how many rows there were. Blocks, and reports as `runQuery`. */
export function countQuery(data: QueryData, runner: QueryRunner): number {
  let rows = 0
  runAtOnce(data, runner, { counts: true }, (execution) => {
    for (let count = execution.skip(); count !== END; count = execution.skip()) rows += count
  })
  return rows
}

/** As `runQuery`, in slices. The snapshot is that of the call. */
export async function runQueryAsync(data: QueryData, runner: QueryRunner, options: AsyncOptions): Promise<Row[]> {
  throwIfAborted(options.signal)
  const execution = openExecution(data, runner)
  const rows: Row[] = []
  try {
    const slices = new Slices(runner)
    for (let count = execution.read(rows); count !== END; count = execution.read(rows)) {
      if (slices.isOver(count)) await slices.next(options)
    }
    return rows
  } finally {
    execution.close()
  }
}

/** As `countQuery`, in slices. */
export async function countQueryAsync(data: QueryData, runner: QueryRunner, options: AsyncOptions): Promise<number> {
  throwIfAborted(options.signal)
  const execution = openExecution(data, runner, { counts: true })
  try {
    return await countInSlices(execution, runner, options)
  } finally {
    execution.close()
  }
}

/** Pulls an open execution to its end, in slices; how many rows there were. */
export async function countInSlices(execution: Execution, runner: QueryRunner, options: AsyncOptions): Promise<number> {
  let rows = 0
  const slices = new Slices(runner)
  for (let count = execution.skip(); count !== END; count = execution.skip()) {
    rows += count
    if (slices.isOver(count)) await slices.next(options)
  }
  return rows
}

/** Row by row: the snapshot is held from the first `next()` to the end, `return` or `break`. */
export async function* iterateQuery(
  data: QueryData,
  runner: QueryRunner,
  options: AsyncOptions,
): AsyncGenerator<Row, void, undefined> {
  throwIfAborted(options.signal)
  const execution = openExecution(data, runner, { rowByRow: true })
  try {
    const slices = new Slices(runner)
    for (let step = execution.next(); step !== undefined; step = execution.next()) {
      if (step !== PAUSE) yield step
      // An await of a row is no turn of the event loop, so the caller's loop is counted in.
      if (slices.isOver(step === PAUSE ? 0 : 1)) await slices.next(options)
      else throwIfAborted(options.signal)
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
  #rows = 0

  constructor(runner: QueryRunner) {
    this.#runner = runner
    this.#start = runner.now()
  }

  /** Told of each step how many rows it gave. */
  isOver(rows: number): boolean {
    this.#rows += rows
    if (rows > 0 && this.#rows < ROWS_PER_LOOK) return false
    this.#rows = 0
    return this.#runner.now() - this.#start >= SLICE_MS
  }

  /** Lets the event loop turn; throws when the signal says so. */
  async next({ signal }: AsyncOptions): Promise<void> {
    await this.#runner.yield()
    throwIfAborted(signal)
    this.#start = this.#runner.now()
  }
}

function runAtOnce(
  data: QueryData,
  runner: QueryRunner,
  options: ExecuteOptions,
  drain: (execution: Execution) => void,
): void {
  const start = runner.now()
  const execution = openExecution(data, runner, options)
  try {
    drain(execution)
  } finally {
    execution.close()
  }
  reportSlow(data, runner, execution, runner.now() - start)
}

function reportSlow(data: QueryData, runner: QueryRunner, execution: Execution, elapsedMs: number): void {
  if (runner.slowQueryMs === undefined || elapsedMs < runner.slowQueryMs) return
  runner.onSlowQuery?.({ query: data, elapsedMs, plan: planText(execution.plan) })
}
