/**
 * The part of the index that takes documents: a log of occurrences, each linked to the next of its term. A put appends
 * and never moves anything; a search reads the chains of its terms; when the part is full it is frozen into a segment.
 */
import { type Documents, documentsBytes, newDocuments, resizeDocuments } from './documents.ts'
import type { FieldCounts } from './field-counts.ts'
import type { Segment } from './segment.ts'
import { SegmentWriter } from './segment-writer.ts'
import { sortTerms } from './sort-terms.ts'

/** Documents and occurrences of a full part: freezing it takes about 2 ms. */
export const MAX_MEMORY_DOCUMENTS = 1_024
const MAX_OCCURRENCES = 65_536

const NONE = 0xffffffff
const encoder = new TextEncoder()

/** The postings of one term of the memory part, one entry a document; positions absolute, one after the other. */
export interface TermPostings {
  count: number
  ordinals: Uint32Array
  codes: Uint32Array
  positions: Uint32Array
}

export class MemoryPart {
  readonly documents: Documents = newDocuments(MAX_MEMORY_DOCUMENTS)
  readonly #fieldCounts: FieldCounts
  readonly #numbers: Map<string, number> = new Map()
  readonly #terms: string[] = []
  /** By term: first and last occurrence, documents, occurrences. */
  #firsts: Uint32Array = new Uint32Array(1024)
  #lasts: Uint32Array = new Uint32Array(1024)
  #counts: Uint32Array = new Uint32Array(1024)
  #totals: Uint32Array = new Uint32Array(1024)
  /** By occurrence. */
  #occurrences = 0
  #ordinals: Uint32Array = new Uint32Array(4096)
  #positions: Uint32Array = new Uint32Array(4096)
  #fields: Uint8Array = new Uint8Array(4096)
  #nexts: Uint32Array = new Uint32Array(4096)
  readonly #perField: Uint32Array

  constructor(fieldCounts: FieldCounts) {
    this.#fieldCounts = fieldCounts
    this.#perField = new Uint32Array(fieldCounts.fields)
  }

  get isFull(): boolean {
    return this.documents.count >= MAX_MEMORY_DOCUMENTS || this.#occurrences >= MAX_OCCURRENCES
  }

  /** Bytes held, about 60 a term of them estimated. */
  get bytes(): number {
    return (
      documentsBytes(this.documents) +
      this.#terms.length * 60 +
      4 * this.#firsts.byteLength +
      3 * this.#ordinals.byteLength +
      this.#fields.byteLength
    )
  }

  /** Terms, in the order in which they came. */
  get terms(): readonly string[] {
    return this.#terms
  }

  /** The number of a term, or -1. */
  find(term: string): number {
    return this.#numbers.get(term) ?? -1
  }

  /** Documents with the term, dead ones included. */
  frequency(number: number): number {
    return this.#counts[number]!
  }

  /** The next word of the document `ordinal`; words come by field, then position. */
  occurrence(term: string, ordinal: number, field: number, position: number): void {
    const at = this.#occurrences++
    if (at === this.#ordinals.length) this.#growOccurrences()
    this.#ordinals[at] = ordinal
    this.#positions[at] = position
    this.#fields[at] = field
    this.#nexts[at] = NONE
    const number = this.#numbers.get(term)
    if (number === undefined) {
      this.#addTerm(term, at)
      return
    }
    const last = this.#lasts[number]!
    this.#nexts[last] = at
    this.#lasts[number] = at
    this.#totals[number]!++
    if (this.#ordinals[last] !== ordinal) this.#counts[number]!++
  }

  /** Fills `into` with the postings of a term. */
  read(number: number, into: TermPostings): void {
    const count = this.#counts[number]!
    const total = this.#totals[number]!
    if (into.ordinals.length < count) {
      into.ordinals = new Uint32Array(count)
      into.codes = new Uint32Array(count)
    }
    if (into.positions.length < total) into.positions = new Uint32Array(total)
    let read = 0
    let posting = 0
    for (let at = this.#firsts[number]!; at !== NONE; ) {
      const ordinal = this.#ordinals[at]!
      const field = this.#fields[at]!
      let inField = 0
      let isMixed = false
      for (; at !== NONE && this.#ordinals[at] === ordinal; at = this.#nexts[at]!) {
        into.positions[read++] = this.#positions[at]!
        if (this.#fields[at] === field) {
          inField++
        } else {
          if (!isMixed) this.#perField.fill(0)
          isMixed = true
          this.#perField[this.#fields[at]!]!++
        }
      }
      into.ordinals[posting] = ordinal
      if (isMixed) {
        this.#perField[field] = inField
        into.codes[posting++] = this.#fieldCounts.codeOf(this.#perField)
      } else {
        into.codes[posting++] = this.#fieldCounts.codeOfOne(field, inField)
      }
    }
    into.count = count
  }

  /** The same as a segment, which takes the documents over. */
  freeze(): Segment {
    resizeDocuments(this.documents, this.documents.count)
    const writer = new SegmentWriter(this.documents, this.#fieldCounts)
    const postings = newTermPostings()
    let bytes = new Uint8Array(256)
    for (const number of sortTerms(this.#terms)) {
      const term = this.#terms[number]!
      this.read(number, postings)
      this.#write(postings, writer)
      if (bytes.length < term.length * 3) bytes = new Uint8Array(term.length * 6)
      writer.endTerm(bytes, 0, encoder.encodeInto(term, bytes).written)
    }
    return writer.finish()
  }

  #write(postings: TermPostings, writer: SegmentWriter): void {
    const fieldCounts = this.#fieldCounts
    let read = 0
    for (let i = 0; i < postings.count; i++) {
      const code = postings.codes[i]!
      const total = fieldCounts.totals[code]!
      const isDead = this.documents.deaths[postings.ordinals[i]!] === 1
      if (isDead) {
        read += total
        continue
      }
      writer.posting(postings.ordinals[i]!, code)
      if (total === 1) {
        writer.position(postings.positions[read++]!)
        continue
      }
      for (let field = 0; field < fieldCounts.fields; field++) {
        let before = 0
        for (let left = fieldCounts.count(code, field); left > 0; left--) {
          const position = postings.positions[read++]!
          writer.position(position - before)
          before = position
        }
      }
    }
  }

  #addTerm(term: string, at: number): void {
    const number = this.#terms.length
    if (number === this.#firsts.length) {
      this.#firsts = doubled(this.#firsts)
      this.#lasts = doubled(this.#lasts)
      this.#counts = doubled(this.#counts)
      this.#totals = doubled(this.#totals)
    }
    this.#terms.push(term)
    this.#numbers.set(term, number)
    this.#firsts[number] = at
    this.#lasts[number] = at
    this.#counts[number] = 1
    this.#totals[number] = 1
  }

  #growOccurrences(): void {
    this.#ordinals = doubled(this.#ordinals)
    this.#positions = doubled(this.#positions)
    this.#nexts = doubled(this.#nexts)
    const fields = new Uint8Array(this.#fields.length * 2)
    fields.set(this.#fields)
    this.#fields = fields
  }
}

export function newTermPostings(): TermPostings {
  return { count: 0, ordinals: new Uint32Array(0), codes: new Uint32Array(0), positions: new Uint32Array(0) }
}

function doubled(old: Uint32Array): Uint32Array {
  const larger = new Uint32Array(old.length * 2)
  larger.set(old)
  return larger
}
