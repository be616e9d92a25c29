import { BlazeError } from '../base/errors.ts'

/** The error of a snapshot that the engine ended because its history grew past the limit. */
export function snapshotTooOld(holder: string): BlazeError<'SNAPSHOT_TOO_OLD'> {
  return new BlazeError(
    'SNAPSHOT_TOO_OLD',
    `the snapshot of ${holder} was ended because the versions kept for it passed the limit; nothing is lost but the reading. Begin again, and hold snapshots for a shorter time.`,
    { holder },
  )
}
