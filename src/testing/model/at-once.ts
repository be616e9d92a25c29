/** Transactions that interleave by a list of choices, and the order in which they explain what they read. */
import { isBlazeError } from '../../base/errors.ts'
import { copyRecords, type RecordsModel } from '../records-model.ts'
import { modelStep, type Step, shownStep, takeStep } from '../steps.ts'
import type { ModelRun } from './model-run.ts'

/** A transaction that has committed, with what each step gave in the attempt that did. */
export interface Committed {
  readonly steps: readonly Step[]
  readonly results: readonly string[]
}

/** Runs them at once: before each step a transaction waits until the choices let it go. Gives those that committed. */
export async function runAtOnce<M>(
  run: ModelRun<M>,
  transactions: readonly (readonly Step[])[],
  choices: readonly number[],
): Promise<Committed[]> {
  const waiting: (() => void)[] = []
  const gate = (): Promise<void> => new Promise((resolve) => waiting.push(resolve))
  let running = transactions.length
  const committed = transactions.map(async (steps): Promise<Committed | undefined> => {
    try {
      return await run.db.transaction(async (tx) => {
        const results: string[] = []
        for (const step of steps) {
          await gate()
          results.push(takeStep(tx, step))
        }
        return { steps, results }
      })
    } catch (error) {
      // It lost every time: nothing of it is there.
      if (isBlazeError(error, 'CONFLICT')) return undefined
      throw error
    } finally {
      running--
    }
  })
  const all = Promise.all(committed)
  // Whoever awaits it below is told; until then a rejection must not end the process.
  all.catch(() => undefined)
  for (let at = 0; running > 0; at++) {
    await run.turn()
    const [go] = waiting.splice((choices[at] ?? 0) % Math.max(1, waiting.length), 1)
    go?.()
  }
  return (await all).filter((one) => one !== undefined)
}

/** An order of the transactions in which each gives, on the model, what it gave; throws when there is none. */
export function serialOrder(
  model: RecordsModel,
  committed: readonly Committed[],
  isFinal: (model: RecordsModel) => boolean,
): readonly Committed[] {
  for (const order of permutations(committed)) {
    const copy = copyRecords(model)
    const explains = order.every(({ steps, results }) =>
      steps.every((step, at) => modelStep(copy, step) === results[at]),
    )
    if (explains && isFinal(copy)) return order
  }
  const lines = committed.flatMap(({ steps, results }, number) =>
    steps.map((step, at) => `T${number + 1} ${shownStep(step)} → ${results[at]}`),
  )
  throw new Error(`no order of these transactions, one after another, gives what they gave:\n${lines.join('\n')}`)
}

function* permutations<T>(list: readonly T[]): Generator<T[]> {
  if (list.length === 0) yield []
  for (const [at, first] of list.entries()) {
    for (const rest of permutations(list.toSpliced(at, 1))) yield [first, ...rest]
  }
}
