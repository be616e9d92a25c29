/**
 * How much a randomised test does. `npm run torture` sets BLAZEDB_EFFORT, and each test that counts its runs through
 * here does that many times as many.
 */

/** `runs` times BLAZEDB_EFFORT (1 when it is not set), at least 1. */
export function effort(runs: number): number {
  const text = process.env['BLAZEDB_EFFORT']
  const factor = text === undefined || text === '' ? 1 : Number(text)
  if (!Number.isFinite(factor) || factor <= 0) {
    throw new RangeError(`BLAZEDB_EFFORT is a number above 0, not ${JSON.stringify(text)}`)
  }
  return Math.max(1, Math.round(runs * factor))
}
