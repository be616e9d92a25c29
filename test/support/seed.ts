/**
 * The one seed of a test run: BLAZEDB_SEED when it is set, else a fixed number, so that a run is the same each time.
 * test/support/setup.ts prints it beside every test that fails.
 */

const DEFAULT_SEED = 20_260_101

/** The seed of this run: an unsigned 32-bit integer. */
export function seed(): number {
  const text = process.env['BLAZEDB_SEED']
  if (text === undefined || text === '') return DEFAULT_SEED
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
    throw new RangeError(`BLAZEDB_SEED is an integer from 0 to 4294967295, not ${JSON.stringify(text)}`)
  }
  return value
}
