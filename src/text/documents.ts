/**
 * The documents of one part of an index, by ordinal: 0, 1, 2 … in the order in which they came. Ordinals and not slots
 * are what postings name, so that parts are dense whatever slots they hold. A document dies when its slot is put again
 * or removed; its postings stay until the part is merged.
 */
export interface Documents {
  count: number
  dead: number
  slots: Uint32Array
  /** Commit number of the version that was indexed. */
  commits: Float64Array
  /** Weighted length in words, as bm25.ts has it. */
  lengths: Float64Array
  /** 1 for the dead. */
  deaths: Uint8Array
}

export function newDocuments(capacity: number): Documents {
  return {
    count: 0,
    dead: 0,
    slots: new Uint32Array(capacity),
    commits: new Float64Array(capacity),
    lengths: new Float64Array(capacity),
    deaths: new Uint8Array(capacity),
  }
}

/** Adds a document at the end; gives its ordinal. */
export function addDocument(documents: Documents, slot: number, commit: number, length: number): number {
  const ordinal = documents.count++
  if (ordinal === documents.slots.length) resizeDocuments(documents, Math.max(64, ordinal * 2))
  documents.slots[ordinal] = slot
  documents.commits[ordinal] = commit
  documents.lengths[ordinal] = length
  return ordinal
}

/** Room for `capacity` documents, which is at least as many as there are. */
export function resizeDocuments(documents: Documents, capacity: number): void {
  const { count } = documents
  const old = { ...documents }
  documents.slots = new Uint32Array(capacity)
  documents.commits = new Float64Array(capacity)
  documents.lengths = new Float64Array(capacity)
  documents.deaths = new Uint8Array(capacity)
  documents.slots.set(old.slots.subarray(0, count))
  documents.commits.set(old.commits.subarray(0, count))
  documents.lengths.set(old.lengths.subarray(0, count))
  documents.deaths.set(old.deaths.subarray(0, count))
}

export function killDocument(documents: Documents, ordinal: number): void {
  if (documents.deaths[ordinal] === 1) return
  documents.deaths[ordinal] = 1
  documents.dead++
}

/** Bytes held for the documents. */
export function documentsBytes(documents: Documents): number {
  return documents.slots.length * (4 + 8 + 8 + 1)
}
