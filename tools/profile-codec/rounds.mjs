/** Interleaved measuring: everything that is compared runs in every round, so that a slow moment hits all of it. */

const WARM_UP_ROUNDS = 3
const MIN_ROUNDS = 5
/** More rounds tell nothing more. */
const MAX_ROUNDS = 400

/**
 * Runs `blocks` (name → function) round after round for about `budgetMs`, beginning with another one each time. Gives
 * name → milliseconds of each round. The first rounds warm up, so that the compiler has seen all of it.
 */
export function measureRounds(blocks, budgetMs) {
  const names = Object.keys(blocks)
  const samples = Object.fromEntries(names.map((name) => [name, []]))
  const end = performance.now() + budgetMs
  for (let round = -WARM_UP_ROUNDS; round < MAX_ROUNDS; round++) {
    if (round >= MIN_ROUNDS && performance.now() > end) break
    for (let at = 0; at < names.length; at++) {
      const name = names[(at + round + WARM_UP_ROUNDS) % names.length]
      const start = performance.now()
      blocks[name]()
      const tookMs = performance.now() - start
      if (round >= 0) samples[name].push(tookMs)
    }
  }
  return samples
}

export function median(list) {
  const sorted = Float64Array.from(list).sort()
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

let seen = 0

/** Reads every field at the top of a decoded record: what nobody reads, an engine may leave out. */
export function touch(record) {
  for (const name in record) if (record[name] === seen) seen++
}
