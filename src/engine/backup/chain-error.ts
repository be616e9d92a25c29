import { BlazeError, type ErrorDetails } from '../../base/errors.ts'

export function chainError(reason: ErrorDetails['BACKUP_CHAIN']['reason'], text: string): BlazeError<'BACKUP_CHAIN'> {
  return new BlazeError('BACKUP_CHAIN', `${text} Nothing was written.`, { reason })
}
