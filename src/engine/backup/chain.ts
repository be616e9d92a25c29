/** Which backups belong together: a full one, and increments that each begin where the one before ended. */
import { BlazeError } from '../../base/errors.ts'
import { chainError } from './chain-error.ts'
import type { BackupPart } from './input.ts'
import type { BackupPosition } from './manifest.ts'

/**
 * The parts to restore, in order, from parts in the order in which they were taken: the newest full backup that `until`
 * does not lie before, and increments up to the one that holds it. BACKUP_CHAIN, INVALID_ARGUMENT.
 */
export function chosenChain(parts: readonly BackupPart[], until: number | Date | undefined): readonly BackupPart[] {
  const chains = chainsOf(parts)
  const chain = chains.findLast(([full]) => full !== undefined && !isBefore(until, full))
  if (chain === undefined) {
    const oldest = chains[0]![0]!.manifest
    throw outside(
      `the oldest state in these backups is that of commit ${oldest.to.commitNumber}, ${new Date(oldest.createdMs).toISOString()}`,
    )
  }
  const end = chain.findIndex((part) => isWithin(until, part))
  if (end >= 0) return chain.slice(0, end + 1)
  if (typeof until !== 'number') return chain
  throw outside(`the newest commit in these backups is ${chain.at(-1)!.manifest.to.commitNumber}`)
}

/** Each full backup with its increments. */
function chainsOf(parts: readonly BackupPart[]): BackupPart[][] {
  const chains: BackupPart[][] = []
  for (const part of parts) {
    const { kind, from } = part.manifest
    const chain = chains.at(-1)
    if (kind === 'full') chains.push([part])
    else if (chain === undefined) {
      throw chainError('part-missing', `${part.path} is an increment, and no full backup comes before it.`)
    } else {
      const before = chain.at(-1)!
      assertContinues(before, part, from)
      chain.push(part)
    }
  }
  return chains
}

function assertContinues(before: BackupPart, part: BackupPart, from: BackupPosition | null): void {
  const end = before.manifest.to
  if (from === null || from.database !== end.database) {
    throw chainError('other-database', `${part.path} is a backup of another database than ${before.path}.`)
  }
  if (from.lsn === end.lsn && from.chain === end.chain) return
  if (from.lsn === end.lsn) {
    throw chainError('other-history', `${part.path} continues another history than that of ${before.path}.`)
  }
  throw chainError(
    'part-missing',
    `${part.path} begins at commit ${from.commitNumber}, and ${before.path} ends at ${end.commitNumber}.`,
  )
}

function isBefore(until: number | Date | undefined, { manifest }: BackupPart): boolean {
  if (until === undefined) return false
  return typeof until === 'number' ? until < manifest.to.commitNumber : until.getTime() < manifest.createdMs
}

/** True for the part that holds what comes at `until`: nothing after it is needed. */
function isWithin(until: number | Date | undefined, { manifest }: BackupPart): boolean {
  if (until === undefined) return false
  return typeof until === 'number' ? until <= manifest.to.commitNumber : until.getTime() < manifest.createdMs
}

function outside(text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `until is not in the backups: ${text}. Nothing was written.`, {
    argument: 'until',
  })
}
