import type { CollectionId, StructureId } from '../base/ids.ts'

/** Structure numbers of one collection: its number × 1024, then slots, buckets, indexes, text. */
export const STRUCTURES_PER_COLLECTION = 1024
export const SLOTS_STRUCTURE = 0
export const BUCKETS_STRUCTURE = 1
export const FIRST_INDEX_STRUCTURE = 2
/** Indexes are below it. */
export const END_INDEX_STRUCTURE = 1021
/** For images of the text index: the one in memory, the one that the root names, and the next. */
export const TEXT_STRUCTURES: readonly number[] = [1021, 1022, 1023]

export function structureOf(collection: CollectionId, part: number): StructureId {
  return (collection * STRUCTURES_PER_COLLECTION + part) as StructureId
}

/** The collection of a structure. */
export function collectionOf(structure: StructureId): CollectionId {
  return Math.floor(structure / STRUCTURES_PER_COLLECTION) as CollectionId
}

/** Which of its collection's structures it is. */
export function partOf(structure: StructureId): number {
  return structure % STRUCTURES_PER_COLLECTION
}
