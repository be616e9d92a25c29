/** Refusals of values deep in something larger, told by the path from its top. */
import { BlazeError, isBlazeError } from '../base/errors.ts'

/** The refusal of what lies at `path`. */
export function invalidValue(path: string, why: string): BlazeError<'INVALID_VALUE'> {
  return new BlazeError('INVALID_VALUE', `${path === '' ? 'The value' : path}: ${why}. Nothing was written.`, { path })
}

/** Runs `encode`, a call that encodes many records; a refusal of record i is told with `pathOf(i)` in place of `[i]`. */
export function withRecordPaths<T>(pathOf: (index: number) => string, encode: () => T): T {
  try {
    return encode()
  } catch (error) {
    const found = isBlazeError(error, 'INVALID_VALUE') ? /^\[(\d+)\]/.exec(error.details.path) : null
    if (found === null || !isBlazeError(error, 'INVALID_VALUE')) throw error
    const path = pathOf(Number(found[1])) + error.details.path.slice(found[0].length)
    // The message begins with the path.
    const message = path + error.message.slice(error.details.path.length)
    throw new BlazeError('INVALID_VALUE', message, { path }, { cause: error })
  }
}
