/**
 * Interleaved rounds: each contestant runs its block once per round, beginning with another one each time, so that a slow
 * minute of the machine hits all of them. The first rounds warm up and do not count.
 */
import { median } from './statistics.mjs'

/**
 * `contestants`: name → block; a block runs `n` operations and gives a figure (µs per operation, operations per second).
 * Gives name → median over the rounds. `collect`: collect garbage before each block, so that none pays for the one
 * before; too dear for blocks of some milliseconds, of which there are many rounds instead.
 */
export async function interleaved(contestants, { rounds, warmUps = 1, collect = true }) {
  const names = Object.keys(contestants)
  const samples = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = -warmUps; round < rounds; round++) {
    for (let at = 0; at < names.length; at++) {
      const name = names[(at + round + warmUps) % names.length]
      if (collect) globalThis.gc?.()
      const figure = await contestants[name](round)
      if (round >= 0) samples[name].push(figure)
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(samples[name])]))
}

/** µs per operation of a block of `count`. */
export async function timed(count, run) {
  const start = performance.now()
  await run()
  return ((performance.now() - start) * 1000) / count
}
