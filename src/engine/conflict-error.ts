import { BlazeError } from '../base/errors.ts'
import type { RecordId } from '../base/ids.ts'
import type { CollectionState } from './collection-state.ts'

/** The error of a commit that came second. */
export function conflictWith(collection: CollectionState, id: RecordId): BlazeError<'CONFLICT'> {
  return new BlazeError(
    'CONFLICT',
    `another commit changed ${collection.name} ${JSON.stringify(id)} first; nothing was written. Run the transaction again.`,
    { records: [{ collection: collection.name, id }] },
  )
}
