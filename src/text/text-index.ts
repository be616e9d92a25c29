/**
 * A text index: which documents have which words, how often and where, ranked by how well they match.
 *
 *   put(slot, commit, texts)                              search
 *      │ tokenize → fold → stem (analyzer.ts)                │ parse-search.ts, capture-search.ts → text-query.ts
 *      ▼                                                     ▼
 *   memory part ──full: freeze──▶ segment  segment …    search-plan.ts ──▶ a scorer a part, window by window
 *                                    └─ merge in steps ─▶ segment          └▶ top-k.ts, or the set of slots
 *
 * A document is a record's texts, one a declared field, under the record's slot and the commit number of the version that
 * was indexed. A put takes the place of the slot's older document, which dies: it is masked at once, and its postings
 * go when its part is merged. What is in the index is the newest state that was put; a reader of another snapshot says by
 * {@link TextView} which documents are what it sees, and judges the other records' texts one by one by
 * {@link PreparedSearch.score}, which has the same meaning and the same arithmetic.
 *
 * Worked example. Fields title (weight 2) and body (1).
 *   put(7, 100, ['Login page broken', 'Since Monday the login hangs'])
 *   posting of `login`: title once, body once: one posting with the code of {title: 1, body: 1}, tf = 2 × 1 + 1 = 3;
 *   length of the document: 2 × 3 + 5 = 11. The search `login -slow` finds slot 7 with the BM25 of tf 3 (bm25.ts).
 *
 * Scores are BM25 over the weighted sum of the fields ("simple BM25F", 2004), and not a sum of one BM25 a field: a word
 * in two fields counts as twice the word, not as two words, and a posting is one posting whatever the number of fields
 * (half the postings for the OR of common words in two fields). Lengths are not normalised field by field: the weighted
 * length of the whole document is. N and the average length are those of the living documents; of a word's frequency the
 * dead are taken off when they are merged away, so that scores may move a little by a merge.
 *
 *   a prefix, or a word with errors     counts as one word that stands where any of its expansions stands, those with
 *                                       errors at 1 / (1 + edits); its frequency is the sum of theirs. All expansions
 *                                       count, however many
 *   a phrase                            is worth the sum of its words, times how often it comes as a whole
 *   title:word                          counts occurrences in the title only, with the frequency of the word anywhere
 *
 * Prefixes and words with errors are folded but not stemmed, and compared with what is stored: in an English index
 * `runn*` does not find "running", of which `run` is stored. So a stem's beginning is what to look for.
 *
 * Invariants
 *  - a slot has at most one living document, and home[slot], ordinal[slot] name it;
 *  - scores are sums on a grid (bm25.ts): what is added first does not matter, and a match scores above 0;
 *  - segments never change, but for the deaths of their documents;
 *  - a put or remove is complete when it returns; merges and images work on segments, beside them.
 *
 * It does not: know records, snapshots or files; decide when to merge or save; keep the texts.
 *
 * Sources: BM25F as in bm25.ts; segments and tiers as in log-structured merge trees (O'Neil and others, 1996), block
 * maxima as in S. Ding, T. Suel, "Faster Top-k Document Retrieval Using Block-Max Indexes", 2011.
 */
import { invariant } from '../base/invariant.ts'
import { type Analyzer, newAnalyzer } from './analyzer.ts'
import { perLength } from './bm25.ts'
import { addDocument, killDocument } from './documents.ts'
import { FieldCounts } from './field-counts.ts'
import { fingerprintsOf, type PartFingerprints } from './fingerprint.ts'
import { MemoryPart } from './memory-part.ts'
import { chooseMerge, GONE, type Merged, mergeSegments } from './merge.ts'
import { findInPart, frequencyInPart, type Part, partBytes } from './part.ts'
import { PreparedSearch } from './prepared-search.ts'
import { planSearch } from './search-plan.ts'
import type { Segment } from './segment.ts'
import { eachText, type FieldText, fieldWeights, POSITION_GAP, type TextSpec } from './text-fields.ts'
import { readImage, writeImage } from './text-image.ts'
import type { TextQuery } from './text-query.ts'
import { newWordList, tokenize, type WordList } from './tokenize.ts'

/** What an index holds. */
export interface TextStatistics {
  /** Living documents. */
  readonly documents: number
  /** Their weighted length in words, on average; 0 of none. */
  readonly averageLength: number
  readonly segments: number
  /** Documents that died and are not merged away yet. */
  readonly dead: number
  /** Bytes held, those of the terms in memory estimated. */
  readonly bytes: number
}

interface RunningMerge {
  readonly inputs: readonly Segment[]
  readonly steps: Generator<number, Merged>
}

export class TextIndex {
  readonly spec: TextSpec
  readonly #analyze: Analyzer
  readonly #fieldCounts: FieldCounts
  #memory: MemoryPart
  #segments: Segment[] = []
  /** Parts by number, and back. A segment made of the memory part takes its number over. */
  readonly #parts: Map<number, Part> = new Map()
  readonly #numbers: Map<Part, number> = new Map()
  #lastNumber = 0
  #memoryNumber: number
  /** By slot: the number of the part with its living document (0 for none), and the ordinal there. */
  #homes: Uint32Array = new Uint32Array(1024)
  #ordinals: Uint32Array = new Uint32Array(1024)
  /** One above the highest slot that was ever put. */
  #slotLimit = 0
  #documents = 0
  #totalLength = 0
  #merge: RunningMerge | undefined
  /** Counts changes, so that a search knows whether it is still of this state. */
  #version = 0
  readonly #words: WordList = newWordList()
  readonly #wordsByField: Uint32Array

  constructor(spec: TextSpec) {
    this.spec = spec
    this.#analyze = newAnalyzer(spec)
    this.#fieldCounts = new FieldCounts(fieldWeights(spec.fields))
    this.#wordsByField = new Uint32Array(spec.fields.length)
    this.#memory = new MemoryPart(this.#fieldCounts)
    this.#memoryNumber = this.#addPart(this.#memory)
  }

  /**
   * The index in an image, as {@link save} gave it; undefined when it is an image of another declaration or another
   * format: then the index is to be built anew. CODEC, with the offset, when the bytes are damaged.
   */
  static load(spec: TextSpec, pieces: Iterable<Uint8Array>): TextIndex | undefined {
    const index = new TextIndex(spec)
    const isRead = readImage(spec, index.#fieldCounts, pieces, (segment) => index.#adopt(segment))
    return isRead ? index : undefined
  }

  /** Indexes the texts, one a declared field, in place of what the slot had. */
  put(slot: number, commit: number, texts: readonly FieldText[]): void {
    this.remove(slot)
    const memory = this.#memory
    const ordinal = memory.documents.count
    const counts = this.#wordsByField
    counts.fill(0)
    let position = 0
    eachText(texts, (text, field, element) => {
      position = element === 0 ? 0 : position + POSITION_GAP
      position = this.#addText(text, ordinal, field, position)
    })
    let length = 0
    for (let field = 0; field < counts.length; field++) length += this.#fieldCounts.weights[field]! * counts[field]!
    addDocument(memory.documents, slot, commit, length)
    this.#place(slot, this.#memoryNumber, ordinal)
    this.#documents++
    this.#totalLength += length
    if (memory.isFull) this.#freeze()
  }

  /** Takes the slot's document out; nothing when it has none. */
  remove(slot: number): void {
    this.#version++
    const part = slot < this.#slotLimit ? this.#parts.get(this.#homes[slot]!) : undefined
    if (part === undefined) return
    const ordinal = this.#ordinals[slot]!
    const { documents } = part
    invariant(
      documents.slots[ordinal] === slot && documents.deaths[ordinal] === 0,
      () => `the document of slot ${slot}`,
    )
    killDocument(documents, ordinal)
    this.#homes[slot] = 0
    this.#documents--
    this.#totalLength = this.#documents === 0 ? 0 : this.#totalLength - documents.lengths[ordinal]!
  }

  /** The commit number of the slot's document; undefined when it has none. */
  commitOf(slot: number): number | undefined {
    const part = slot < this.#slotLimit ? this.#parts.get(this.#homes[slot]!) : undefined
    return part?.documents.commits[this.#ordinals[slot]!]
  }

  /** Calls `visit` with each living document, in no order. */
  eachDocument(visit: (slot: number, commit: number) => void): void {
    for (const { documents } of this.#parts.values()) {
      for (let i = 0; i < documents.count; i++) {
        if (documents.deaths[i] === 0) visit(documents.slots[i]!, documents.commits[i]!)
      }
    }
  }

  /** What the parts hold of each document, part after part, with yields between: for the verification. */
  *fingerprints(): Generator<PartFingerprints | undefined, void> {
    for (const part of this.#livingParts()) yield yield* fingerprintsOf(part, this.#fieldCounts)
  }

  /** Makes a search ready. INVALID_QUERY for a field that is not declared. */
  prepare(query: TextQuery): PreparedSearch {
    const parts = this.#livingParts()
    const version = this.#version
    const plan = planSearch(query, {
      analyze: this.#analyze,
      fields: this.spec.fields.map((field) => field.path),
      parts,
      documents: this.#documents,
    })
    return new PreparedSearch({
      plan,
      parts,
      fieldCounts: this.#fieldCounts,
      analyze: this.#analyze,
      lengthFactor: perLength(this.#averageLength()),
      slotLimit: this.#slotLimit,
      isCurrent: () => version === this.#version,
    })
  }

  /** Documents with the folded word, dead ones that are not merged away yet included. */
  frequencyOf(word: string): number {
    const term = this.#analyze(word)
    if (term === undefined) return 0
    let frequency = 0
    for (const part of this.#livingParts()) {
      const number = findInPart(part, term)
      if (number >= 0) frequency += frequencyInPart(part, number)
    }
    return frequency
  }

  statistics(): TextStatistics {
    let bytes = this.#homes.byteLength + this.#ordinals.byteLength
    let dead = 0
    for (const part of this.#parts.values()) {
      bytes += partBytes(part)
      dead += part.documents.dead
    }
    return {
      documents: this.#documents,
      averageLength: this.#averageLength(),
      segments: this.#segments.length,
      dead,
      bytes,
    }
  }

  /** Does about `budget` postings of merging (20 to 50 ns each; the last step also goes through the documents); true when there is more to do. */
  merge(budget: number): boolean {
    for (let left = budget; left > 0; ) {
      this.#merge ??= this.#beginMerge()
      if (this.#merge === undefined) return false
      const step = this.#merge.steps.next()
      if (step.done === true) this.#finishMerge(step.value)
      else left -= step.value
    }
    return true
  }

  /**
   * An image of now, in pieces of at most 64 KB; puts, removes and merges may go on while they are taken. Pieces are
   * copies.
   */
  save(): Iterable<Uint8Array> {
    if (this.#memory.documents.count > 0) this.#freeze()
    return writeImage(this.spec, this.#fieldCounts, this.#segments)
  }

  #addText(text: string, ordinal: number, field: number, start: number): number {
    const memory = this.#memory
    const analyze = this.#analyze
    const list = this.#words
    tokenize(text, list)
    const { words, count } = list
    let indexed = 0
    for (let i = 0; i < count; i++) {
      const term = analyze(words[i]!)
      if (term === undefined) continue
      memory.occurrence(term, ordinal, field, start + i)
      indexed++
    }
    this.#wordsByField[field]! += indexed
    return start + count
  }

  #averageLength(): number {
    return this.#documents === 0 ? 0 : this.#totalLength / this.#documents
  }

  #livingParts(): Part[] {
    return [...this.#parts.values()].filter(({ documents }) => documents.count > documents.dead)
  }

  #addPart(part: Part): number {
    const number = ++this.#lastNumber
    this.#parts.set(number, part)
    this.#numbers.set(part, number)
    return number
  }

  #place(slot: number, number: number, ordinal: number): void {
    if (slot >= this.#homes.length) {
      const size = Math.max(slot + 1, this.#homes.length * 2)
      this.#homes = enlarged(this.#homes, size)
      this.#ordinals = enlarged(this.#ordinals, size)
    }
    if (slot >= this.#slotLimit) this.#slotLimit = slot + 1
    this.#homes[slot] = number
    this.#ordinals[slot] = ordinal
  }

  /** Makes a segment of the part in memory, under its number, and begins a new one. */
  #freeze(): void {
    const segment = this.#memory.freeze()
    this.#numbers.delete(this.#memory)
    this.#numbers.set(segment, this.#memoryNumber)
    this.#parts.set(this.#memoryNumber, segment)
    this.#segments.push(segment)
    this.#memory = new MemoryPart(this.#fieldCounts)
    this.#memoryNumber = this.#addPart(this.#memory)
    this.#version++
  }

  #beginMerge(): RunningMerge | undefined {
    this.#dropEmpty()
    const inputs = chooseMerge(this.#segments)
    return inputs && { inputs, steps: mergeSegments(inputs, this.#fieldCounts) }
  }

  #dropEmpty(): void {
    const empty = this.#segments.filter(({ documents }) => documents.dead === documents.count)
    if (empty.length > 0) this.#dropSegments(empty)
  }

  #dropSegments(segments: readonly Segment[]): void {
    for (const segment of segments) {
      // Every segment of the list has a number.
      this.#parts.delete(this.#numbers.get(segment)!)
      this.#numbers.delete(segment)
    }
    this.#segments = this.#segments.filter((segment) => !segments.includes(segment))
    this.#version++
  }

  /** Puts the merged segment in the place of its inputs; what died meanwhile is dead in it too. One pass over documents. */
  #finishMerge({ segment, ordinals }: Merged): void {
    // A merge was under way: it is the one that finishes.
    const { inputs } = this.#merge!
    this.#merge = undefined
    const number = this.#addPart(segment)
    for (let k = 0; k < inputs.length; k++) this.#moveHomes(inputs[k]!, ordinals[k]!, segment, number)
    this.#dropSegments(inputs)
    this.#segments.push(segment)
  }

  #moveHomes(input: Segment, moved: Uint32Array, segment: Segment, number: number): void {
    const { documents } = input
    for (let i = 0; i < documents.count; i++) {
      const ordinal = moved[i]!
      if (ordinal === GONE) continue
      if (documents.deaths[i] === 1) {
        killDocument(segment.documents, ordinal)
      } else {
        const slot = documents.slots[i]!
        this.#homes[slot] = number
        this.#ordinals[slot] = ordinal
      }
    }
  }

  /** Takes over a segment of an image; false when a slot would have two living documents. */
  #adopt(segment: Segment): boolean {
    const number = this.#addPart(segment)
    this.#segments.push(segment)
    const { documents } = segment
    for (let i = 0; i < documents.count; i++) {
      if (documents.deaths[i] === 1) continue
      const slot = documents.slots[i]!
      if (this.commitOf(slot) !== undefined) return false
      this.#place(slot, number, i)
      this.#documents++
      this.#totalLength += documents.lengths[i]!
    }
    return true
  }
}

function enlarged(old: Uint32Array, size: number): Uint32Array {
  const larger = new Uint32Array(size)
  larger.set(old)
  return larger
}
