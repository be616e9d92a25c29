/**
 * What the root file says: the one place that names what is current. A checkpoint makes a new one; engine/root-file.ts
 * seals it and puts it in place of the old by renaming.
 */
import type { CommitNumber } from '../base/ids.ts'
import { lsnOf } from '../base/ids.ts'
import { SEGMENT_HEAD } from '../wal/frame.ts'
import type { LogPosition } from '../wal/log.ts'

/** The directory that a root names: `directory-<number>`, with what proves it. */
export interface DirectoryName {
  readonly number: number
  readonly sizeBytes: number
  /** 32 bytes. */
  readonly sha256: Uint8Array
}

export interface Root {
  /** The epoch salt (32 bytes) of the open that wrote it. */
  readonly epochSalt: Uint8Array
  /** C: the commit boundary whose image the directory holds. */
  readonly checkpoint: LogPosition
  /** The newest commit below C. */
  readonly commit: CommitNumber
  /** The first log segment still needed. */
  readonly logTail: number
  /** The first page segment still needed. */
  readonly pageTail: number
  /** The last page segment used; those above it are void. */
  readonly pageHead: number
  /** Undefined until the first checkpoint. */
  readonly directory: DirectoryName | undefined
  /** Where a clean close left the log; undefined while none has happened since this root's checkpoint. */
  readonly cleanEnd: LogPosition | undefined
}

/** The root of a database in which nothing was ever committed. */
export function firstRoot(epochSalt: Uint8Array): Root {
  return {
    epochSalt,
    checkpoint: { lsn: lsnOf(1, SEGMENT_HEAD), chain: 0 },
    commit: 0 as CommitNumber,
    logTail: 1,
    pageTail: 1,
    pageHead: 0,
    directory: undefined,
    cleanEnd: undefined,
  }
}

/** The file name of a directory. */
export function directoryFile(number: number): string {
  return `directory-${number}`
}
