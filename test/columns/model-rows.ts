/** A collection as columns see it, made of plain lists of versions, and random rows for it. */
import fc from 'fast-check'
import { valueAt } from '../../src/base/path.ts'
import type { Path, StoredRecord, Value } from '../../src/base/values.ts'
import { type ColumnRows, ZONE_SLOTS } from '../../src/columns/column.ts'

interface Version {
  readonly commit: number
  readonly record: StoredRecord | undefined
}

export class ModelRows implements ColumnRows {
  readonly versions: Version[][] = []
  readonly #zones: number[] = []
  newestCommit = 0
  /** How many records were read. */
  reads = 0

  get highSlot(): number {
    return this.versions.length
  }

  zoneCommit(zone: number): number {
    return this.#zones[zone] ?? 0
  }

  commitOf(slot: number): number {
    const newest = this.versions[slot]?.at(-1)
    return newest?.record === undefined ? 0 : newest.commit
  }

  reader(paths: readonly Path[]): (slot: number, values: (Value | undefined)[]) => void {
    return (slot, values) => {
      this.reads++
      const record = this.versions[slot]!.at(-1)!.record!
      for (const [i, path] of paths.entries()) values[i] = valueAt(record, path)
    }
  }

  /** One commit that puts a record, or deletes it. */
  write(slot: number, record: StoredRecord | undefined): void {
    this.newestCommit++
    while (this.versions.length <= slot) this.versions.push([])
    this.versions[slot]!.push({ commit: this.newestCommit, record })
    this.#zones[Math.floor(slot / ZONE_SLOTS)] = this.newestCommit
  }

  /** What a snapshot sees in a slot. */
  at(slot: number, snapshot: number): StoredRecord | undefined {
    return this.versions[slot]?.findLast(({ commit }) => commit <= snapshot)?.record
  }

  /** What a snapshot sees, slot by slot. */
  all(snapshot: number = this.newestCommit): { readonly slot: number; readonly record: StoredRecord }[] {
    return this.versions.flatMap((_, slot) => {
      const record = this.at(slot, snapshot)
      return record === undefined ? [] : [{ slot, record }]
    })
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!
}

const AWKWARD_NUMBERS = [0, -0, Number.NaN, Infinity, -Infinity, 1, -1, 2 ** 53, 0.1, 1e300, -1e300]

const ANYTHING: readonly (Value | undefined)[] = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  1,
  Number.NaN,
  'a',
  'b',
  'A',
  '',
  '\ud83d\ude00',
  '\uffff',
  new Date(0),
  new Date(1),
  Uint8Array.of(1, 2),
  Uint8Array.of(),
  [],
  [1, 'a'],
  [1n, 'a'],
  { a: 1, b: [null] },
  { b: [null], a: 1 },
  { b: undefined },
  {},
]

/** Kinds of fields, by name; each is a source of values. */
export const FIELDS: { readonly [name: string]: (random: () => number) => Value | undefined } = {
  few: (random) => Math.floor(random() * 5),
  many: (random) => (random() < 0.1 ? pick(random, AWKWARD_NUMBERS) : Math.round(random() * 1e6) / 4),
  sparse: (random) => {
    const r = random()
    if (r < 0.2) return undefined
    return r < 0.4 ? null : random() < 0.2 ? pick(random, AWKWARD_NUMBERS) : random() * 10
  },
  text: (random) => pick(random, ['open', 'closed', 'Open', '\ud83d\ude00', 'waiting', null, undefined]),
  when: (random) => (random() < 0.1 ? pick(random, [null, undefined]) : new Date(Math.floor(random() * 1e9))),
  big: (random) => (random() < 0.2 ? null : BigInt(Math.floor(random() * 50)) - 20n),
  mixed: (random) => pick(random, ANYTHING),
  tags: (random) => Array.from({ length: Math.floor(random() * 3) }, () => pick(random, ['x', 'y', 'z'])),
  vector: (random) =>
    random() < 0.1 ? pick(random, [null, undefined]) : Float32Array.from({ length: 3 }, () => Math.floor(random() * 4)),
}

export const FIELD_NAMES: readonly string[] = Object.keys(FIELDS)

export function randomRecord(random: () => number, slot: number): StoredRecord {
  const record: { [name: string]: Value } = {}
  for (const name of FIELD_NAMES) {
    const value = FIELDS[name]!(random)
    if (value !== undefined) record[name] = value
  }
  return { ...record, id: slot }
}

/** A collection of about `count` slots with updates and deletes behind it. */
export function randomRows(random: () => number, count: number): ModelRows {
  const rows = new ModelRows()
  for (let slot = 0; slot < count; slot++) rows.write(slot, randomRecord(random, slot))
  randomWrites(random, rows, Math.floor(count * random() * 0.4))
  return rows
}

/** More commits: most of them in few places. */
export function randomWrites(random: () => number, rows: ModelRows, count: number): void {
  for (let i = 0; i < count; i++) {
    const slot = Math.floor((random() < 0.5 ? random() * random() : random()) * (rows.highSlot + 5))
    rows.write(slot, random() < 0.3 ? undefined : randomRecord(random, slot))
  }
}

/** The seeds of a property's runs. */
export const seeds: fc.Arbitrary<number> = fc.integer({ min: 0, max: 0xffff_ffff })
