/** What the cleaner asks of the engine: is this entry still needed, and where does it go. Each call is one turn. */
import type { CollectionId, CommitNumber, Lsn } from '../base/ids.ts'
import { lsnOf } from '../base/ids.ts'
import { RecordKey } from '../base/record-key.ts'
import {
  COPY_HEAD,
  ENTRY_HAS_COMMIT,
  type EntryView,
  entrySize,
  writeCopyHead,
  writeEntryHead,
} from '../codec/entry.ts'
import type { CleanOutcome, CleanTarget } from '../gc/clean.ts'
import type { Core } from './core.ts'

const key = new RecordKey()

/** Assumed until writes have been measured: a slow disk. */
const DEFAULT_BYTES_PER_MS = 100_000

export function cleanTarget(core: Core): CleanTarget {
  return {
    copyIfNewest(collection, bytes, entry, place, commit): CleanOutcome {
      const state = core.byId.get(collection)
      if (state === undefined) return 'dropped'
      key.setStored(bytes, entry.idKind, entry.idStart, entry.idSize)
      const slot = state.heap.find(key)
      if (slot < 0) return 'dropped'
      const { heap } = state
      if (heap.isLive(slot) && heap.slots.placeOf(slot) === place) {
        const copy = appendCopy(core, collection, bytes, entry, commit)
        heap.slots.setPlace(slot, copy.place)
        core.liveBytes.add(place, -(entry.end - entry.start))
        core.liveBytes.add(copy.place, copy.size)
        return 'copied'
      }
      const version = heap.historyPlacedAt(slot, place)
      if (version === 0) return 'dropped'
      core.history.setLsn(version - 1, core.spill.add(bytes.subarray(entry.start, entry.end)))
      return 'spilled'
    },
    copyTombstone(collection, bytes, entry, commit) {
      const state = core.byId.get(collection)
      if (state === undefined) return 'dropped'
      key.setStored(bytes, entry.idKind, entry.idStart, entry.idSize)
      const slot = state.heap.find(key)
      if (slot >= 0 && state.heap.slots.commitOf(slot) > commit) return 'dropped'
      const copy = appendCopy(core, collection, bytes, entry, commit)
      if (slot >= 0) state.heap.slots.setPlace(slot, copy.place)
      return 'copied'
    },
    commitOfTransaction: (segment, transaction) => core.dataCommits.commitOf(segment, transaction),
    submit: () => core.log.submit(core.options.durability === 'none' ? 'none' : 'relaxed'),
    heldFrom: () => core.heldFrom(),
    liveBytes: () => core.liveBytes.total,
    deviceBytesPerMs: () => core.writeRate() ?? DEFAULT_BYTES_PER_MS,
    canWrite: () => core.takesWrites,
  }
}

/** Appends a COPY item of one entry: its bytes with the commit number they were written under. */
function appendCopy(
  core: Core,
  collection: CollectionId,
  bytes: Uint8Array,
  entry: EntryView,
  commit: CommitNumber,
): { readonly place: Lsn; readonly size: number } {
  const recordSize = entry.recordEnd - entry.recordStart
  const size = entrySize(entry.idSize, recordSize, true)
  const { log } = core
  log.canReserve(COPY_HEAD + size, { useReserve: true })
  log.reserve(COPY_HEAD + size)
  const target = log.itemBytes
  const at = writeCopyHead(target, log.itemOffset, COPY_HEAD + size)
  const flags = entry.kindFlags | ENTRY_HAS_COMMIT
  const idAt = writeEntryHead(target, at, log.frameOffset, flags, collection, entry.idSize, recordSize, commit)
  target.set(bytes.subarray(entry.idStart, entry.recordEnd), idAt)
  return { place: lsnOf(log.itemSegment, at), size }
}
