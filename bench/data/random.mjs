/** A seeded generator of random numbers (mulberry32), so that a run can be repeated. */
export function seededRandom(seed) {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    /** 32 random bits. */
    bits: next,
    /** From 0 to 1. */
    unit: () => next() / 4294967296,
    /** A whole number, both ends included. */
    whole: (low, high) => low + (next() % (high - low + 1)),
    pick: (list) => list[next() % list.length],
  }
}
