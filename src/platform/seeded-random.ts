import type { RandomSource } from './platform.ts'

/** A repeatable source, with the draws that tests need. */
export interface SeededRandom extends RandomSource {
  /** An integer in [0, count). */
  below(count: number): number
}

/**
 * xoshiro128** seeded through splitmix32 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018):
 * the same seed gives the same sequence on every machine. Not for secrets.
 */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const splitmix = (): number => {
    state = (state + 0x9e3779b9) | 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return z ^ (z >>> 15)
  }
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()]

  const draw = (): number => {
    const product = Math.imul(b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9)
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return result >>> 0
  }
  const next = (): number => (draw() * 2 ** 21 + (draw() >>> 11)) / 2 ** 53

  return {
    next,
    below: (count) => Math.floor(next() * count),
    fill(target) {
      for (let i = 0; i < target.length; i += 4) {
        const word = draw()
        const end = Math.min(4, target.length - i)
        for (let k = 0; k < end; k++) target[i + k] = word >>> (8 * k)
      }
      return target
    },
  }
}
