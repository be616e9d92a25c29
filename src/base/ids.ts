/**
 * The numbers and names that the layers pass to each other, branded so that one kind is not taken for another.
 *
 * LSN            position in the log: segment id × 2^24 + offset. A float64 integer below 2^53.
 * CommitNumber   logical order of commits (csn), from 1, without gaps; 0 is "before everything".
 * RecordNumber   slot number of a record within its collection, dense, from 0.
 */
declare const brand: unique symbol
type Brand<T, B extends string> = T & { readonly [brand]: B }

export type Lsn = Brand<number, 'Lsn'>
export type CommitNumber = Brand<number, 'CommitNumber'>
export type RecordNumber = Brand<number, 'RecordNumber'>
export type CollectionId = Brand<number, 'CollectionId'>
export type StructureId = Brand<number, 'StructureId'>

/** A record's key as the user gives it: a string of 1 to 512 bytes of UTF-8, or a safe integer. `1` and `'1'` differ. */
export type RecordId = string | number

/** Bytes of the largest segment; an offset always fits below it. */
export const SEGMENT_SPAN = 0x1000000

/** The LSN of byte `offset` of segment `segment`. */
export function lsnOf(segment: number, offset: number): Lsn {
  return (segment * SEGMENT_SPAN + offset) as Lsn
}

/** The segment id of an LSN. */
export function segmentOf(lsn: Lsn): number {
  return Math.floor(lsn / SEGMENT_SPAN)
}

/** The offset within its segment of an LSN. Bitwise on a float64 keeps the low 32 bits, which is what is wanted. */
export function offsetOf(lsn: Lsn): number {
  return lsn % SEGMENT_SPAN
}
