/** A collection in memory that gives queries what the engine does: records, indexes, and what was read. */
import { compareKeys } from '../../../src/base/bytes.ts'
import type { RecordId } from '../../../src/base/ids.ts'
import { parsePath, valueAt } from '../../../src/base/path.ts'
import type { StoredRecord, Value } from '../../../src/base/values.ts'
import { KeyWriter } from '../../../src/codec/key.ts'
import type { KeyBounds } from '../../../src/indexes/key-bounds.ts'
import { compilePredicate } from '../../../src/query/predicate.ts'
import type { Predicate } from '../../../src/query/query-data.ts'
import {
  END,
  type IndexInfo,
  type QueryRunner,
  type ReadPredicate,
  type RecordSource,
  type Row,
  type RowCursor,
  type SlowQuery,
} from '../../../src/query/source.ts'
import { parseWhere } from '../../../src/query/where.ts'

export interface IndexSpec {
  /** `a`, `-b`, `c.d`. */
  readonly on: readonly string[]
  readonly each?: boolean
  readonly nocase?: boolean
  readonly where?: object
}

interface Entry {
  readonly key: Uint8Array
  readonly record: StoredRecord
}

interface MemoryIndex extends IndexInfo {
  readonly entries: readonly Entry[]
}

export class MemoryRunner implements QueryRunner {
  readonly records: readonly StoredRecord[]
  readonly slow: SlowQuery[] = []
  readonly reads: ReadPredicate[] = []
  slowQueryMs: number | undefined
  opened = 0
  closed = 0
  yields = 0
  /** Records handed out by cursors and lookups. */
  fetched = 0
  time = 0
  /** What each look at the clock adds to it. */
  tickMs = 0
  knowsCount = true
  tracksReads = true
  /** What the planner is told about the size of the collection; large, and a scan is the last it takes. */
  believedRows: number | undefined
  onYield: (() => void) | undefined
  readonly #indexes: readonly MemoryIndex[]

  constructor(records: readonly StoredRecord[], specs: readonly IndexSpec[] = []) {
    this.records = records
    this.#indexes = specs.map((spec) => buildIndex(records, spec))
  }

  readonly now = (): number => {
    this.time += this.tickMs
    return this.time
  }

  async yield(): Promise<void> {
    this.yields++
    this.onYield?.()
  }

  onSlowQuery(slow: SlowQuery): void {
    this.slow.push(slow)
  }

  open(collection: string): RecordSource {
    this.opened++
    let isOpen = true
    const fetch = (record: StoredRecord | undefined): Row | undefined => {
      if (!isOpen) throw new Error('a closed source was read')
      if (record !== undefined) this.fetched++
      return record === undefined ? undefined : structuredClone(record)
    }
    return {
      collection,
      indexes: this.#indexes,
      rowCount: () => this.believedRows ?? this.records.length,
      get: (id: RecordId) => fetch(this.records.find((record) => record.id === id)),
      scan: () => cursorOf(this.records, fetch),
      scanIndex: (index, bounds, reverse) => {
        const found = entriesIn((index as MemoryIndex).entries, bounds).map((entry) => entry.record)
        return cursorOf(reverse ? found.reverse() : found, fetch)
      },
      countAll: () => (this.knowsCount ? this.records.length : undefined),
      tracksReads: this.tracksReads,
      readPredicate: (read) => this.reads.push(read),
      close: () => {
        if (isOpen) this.closed++
        isOpen = false
      },
    }
  }
}

function cursorOf(
  records: readonly StoredRecord[],
  fetch: (record: StoredRecord | undefined) => Row | undefined,
): RowCursor {
  let at = 0
  return {
    read: (rows, most) => {
      const end = Math.min(records.length, at + most)
      if (at === end) return END
      const first = at
      while (at < end) rows.push(fetch(records[at++])!)
      return at - first
    },
    skip: (most) => {
      const first = at
      at = Math.min(records.length, at + most)
      return at === first ? END : at - first
    },
    close: () => {
      at = records.length
    },
  }
}

function buildIndex(records: readonly StoredRecord[], spec: IndexSpec): MemoryIndex {
  const parts = spec.on.map((text) => ({
    path: parsePath(text.replace(/^-/, '')),
    descending: text.startsWith('-'),
  }))
  const { each = false, nocase = false } = spec
  const where: Predicate | undefined = spec.where && parseWhere(spec.where)
  const entries = records
    .filter(where === undefined ? () => true : compilePredicate(where))
    .flatMap((record) => {
      if (!each)
        return [
          {
            key: keyOf(
              parts.map((part) => valueAt(record, part.path)),
              parts,
              nocase,
            ),
            record,
          },
        ]
      const elements = valueAt(record, parts[0]!.path)
      if (!Array.isArray(elements)) return []
      const keys = new Map(elements.map((element) => [keyOf([element], parts, nocase).join(), element]))
      return [...keys.values()].map((element) => ({ key: keyOf([element], parts, nocase), record }))
    })
    .sort((a, b) => compareKeys(a.key, b.key))
  return {
    name: spec.on.join('_'),
    parts,
    unique: false,
    each,
    nocase,
    where,
    entries,
    entryCount: entries.length,
    distinctEstimate: new Set(entries.map((entry) => entry.key.join())).size,
    estimate: (bounds) => entriesIn(entries, bounds).length,
  }
}

function keyOf(values: readonly (Value | undefined)[], parts: IndexInfo['parts'], nocase: boolean): Uint8Array {
  const writer = new KeyWriter()
  values.forEach((value, i) => {
    writer.append(value, { descending: parts[i]!.descending, nocase })
  })
  return writer.finish()
}

function entriesIn(entries: readonly Entry[], bounds: KeyBounds): Entry[] {
  const { lower, lowerOpen = false, upper, upperOpen = false } = bounds
  return entries.filter(({ key }) => {
    const low = lower === undefined ? 1 : compareKeys(key, lower)
    const high = upper === undefined ? -1 : compareKeys(key, upper)
    return (lowerOpen ? low > 0 : low >= 0) && (upperOpen ? high < 0 : high <= 0)
  })
}
