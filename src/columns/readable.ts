/**
 * Which slots of a column a reader may take: the one place where columns meet snapshots. A slot is sure when its zone had
 * no commit after the snapshot, or when it has a live record that is not newer. All others the reader looks up where
 * versions are: there the record may be older, gone, or not yet there.
 */
import { type ColumnRows, ZONE_SLOTS } from './column.ts'

export interface ReadableSlots {
  /** Pairs from, to (exclusive), ascending: what kernels may run over. */
  readonly ranges: readonly number[]
  /** Ascending. The version at the snapshot decides, if there is one. */
  readonly unsure: readonly number[]
}

/** Where a reader stands. */
export interface Reading {
  readonly snapshot: number
  readonly from: number
  /** Exclusive. */
  readonly to: number
  /** Ascending: slots the reader has written to itself. They are in neither part. */
  readonly masked?: readonly number[]
}

/** Parts the slots of [from, to). A walk over zone commits; over slots only where a zone is newer than the snapshot. */
export function readableSlots(rows: ColumnRows, { snapshot, from, to, masked }: Reading): ReadableSlots {
  const ranges: number[] = []
  const unsure: number[] = []
  if (from >= to) return { ranges, unsure }
  let start = from
  const leaveOut = (slot: number): void => {
    if (slot > start) ranges.push(start, slot)
    start = slot + 1
  }
  const masks = masked ?? []
  let mask = 0
  while (mask < masks.length && masks[mask]! < from) mask++
  const allOld = rows.newestCommit <= snapshot
  for (let zone = Math.floor(from / ZONE_SLOTS); zone * ZONE_SLOTS < to; zone++) {
    const end = Math.min(to, (zone + 1) * ZONE_SLOTS)
    if (allOld || rows.zoneCommit(zone) <= snapshot) {
      for (; mask < masks.length && masks[mask]! < end; mask++) leaveOut(masks[mask]!)
      continue
    }
    for (let slot = Math.max(from, zone * ZONE_SLOTS); slot < end; slot++) {
      if (masks[mask] === slot) {
        mask++
        leaveOut(slot)
        continue
      }
      const commit = rows.commitOf(slot)
      if (commit !== 0 && commit <= snapshot) continue
      unsure.push(slot)
      leaveOut(slot)
    }
  }
  leaveOut(to)
  return { ranges, unsure }
}
