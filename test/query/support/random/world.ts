/**
 * What random queries are about: collections with fields of known kinds, whose few values make filters hit and keys
 * meet. Arithmetic is drawn only over kinds whose sums are exact in any order, so that no plan may differ by a bit;
 * what rounds differently in another order is `inexact`, and nothing is filtered, ordered or grouped by it.
 */
import type { Path, StoredRecord, Value } from '../../../../src/base/values.ts'
import { type Draw, isLikely, pick, pickWeighted } from './draw.ts'

export type Kind =
  | 'id'
  | 'int'
  /** With binary fractions: sums are exact. */
  | 'float'
  /** With decimal fractions, all positive: sums round. */
  | 'decimal'
  /** Made by a division: exact, but its sums round. */
  | 'quotient'
  | 'bigint'
  | 'string'
  | 'boolean'
  | 'date'
  | 'array'
  | 'place'
  /** What may be a place. */
  | 'spot'
  | 'vector'
  | 'mixed'
  /** Made by a sum of decimals and the like, or by measuring. */
  | 'inexact'
  /** `$distance`: only to be ordered by. */
  | 'distance'

export interface Column {
  readonly path: Path
  readonly kind: Kind
  /** What its values are, and what it is compared with. */
  readonly pool: readonly Value[]
  /** In stored records: of a hundred, so many without it, and so many with null. */
  readonly missing?: number
  readonly nulls?: number
}

/** The fields of a row. */
export type Shape = readonly Column[]

/** Clauses and operators that a query may have. */
export type Clause =
  | 'where'
  | 'orderBy'
  | 'limit'
  | 'offset'
  | 'select'
  | 'regex'
  | 'ilike'
  | 'arrays'
  | 'geo'
  | 'mixedOperands'
  /** Fields of one kind compared, joined and united with those of another. */
  | 'crossKinds'
  /** An order of rows that only their value tells apart, ties left to that. */
  | 'wholeRowTies'
  | 'nocase'
  | 'compare'
  | 'inQuery'
  | 'exists'
  | 'from'
  | 'nearest'
  | 'join'
  | 'compute'
  | 'unicode'
  | 'bin'
  | 'distance'
  | 'group'
  | 'inexact'
  | 'array'
  | 'firstLast'
  | 'window'
  | 'distinct'
  | 'set'

export const EVERY_CLAUSE: readonly Clause[] = [
  ...(['where', 'orderBy', 'limit', 'offset', 'select', 'regex', 'ilike', 'arrays', 'geo', 'mixedOperands'] as const),
  ...(['nocase', 'compare', 'inQuery', 'exists', 'from', 'nearest', 'join', 'compute', 'unicode', 'bin'] as const),
  ...([
    'crossKinds',
    'wholeRowTies',
    'distance',
    'group',
    'inexact',
    'array',
    'firstLast',
    'window',
    'distinct',
    'set',
  ] as const),
]

export interface World {
  readonly collections: ReadonlyMap<string, Shape>
  readonly clauses: ReadonlySet<Clause>
}

export type Database = ReadonlyMap<string, readonly StoredRecord[]>

const STRINGS = ['', 'a', 'A', 'ab', 'Ab', 'b', ' b ', 'a%', 'ß', 'É', 'é', '\uffff', '\u{1f600}a', 'Login broken']
const MIXED: readonly Value[] = [
  ...[0, -0, 1, 2, 5, 5n, 2n ** 53n + 1n, 2 ** 53, -1.5, Number.NaN, Infinity, -Infinity, -3n],
  ...['', 'a', 'A', 'ab', '\ud83d', true, false, new Date(0), new Date(1e12), new Uint8Array([0, 255]), [], [1, 'a']],
  ...[['A'], {}, { x: 1 }, { x: 'a', y: 2 }, new Float32Array([1, 2])],
]
const DATES = [
  '2023-12-31T23:30:00.000Z',
  '2024-02-29T12:00:00.000Z',
  '2024-03-31T00:30:00.000Z',
  '2024-03-31T12:00:00.000Z',
  '2024-05-15T13:47:31.250Z',
  '2024-05-16T00:00:00.000Z',
  '1969-12-28T22:00:00.000Z',
].map((text) => new Date(text))
/** No two are equally far from anywhere that is asked for. */
const PLACES: readonly Value[] = [
  { lat: 52.52, lng: 13.405 },
  { lat: 48.1374, lng: 11.5755, name: 'M' },
  { lat: -33.8688, lng: 151.2093 },
  { lat: 66.5, lng: -179.5 },
  { lat: 0, lng: 179.9 },
]
const NO_PLACES: readonly Value[] = [{ lat: 91, lng: 0 }, { lat: 1 }, { lat: '1', lng: 2 }, [52.52, 13.405], 'Berlin']
const VECTORS: readonly Value[] = [
  new Float32Array([0.25, 1.75, -3.5]),
  new Float32Array([1.125, 0.375, 2.25]),
  new Float64Array([-2.75, 0.8125, 0.4375]),
  new Float32Array([5.5, -1.25]),
  new Float32Array([0.0625, -0.5, 7.125]),
]
const ARRAYS: readonly Value[] = [[], ['a'], ['a', 'b'], ['b', 'A', 1], [1, 2], [null, 'a'], [5n, 5], [['a']]]

export const BUG_IDS: readonly Value[] = Array.from({ length: 24 }, (_, i) => (i % 3 === 0 ? i : `b${(i * 7) % 24}`))
const USER_IDS: readonly Value[] = ['u0', 'u1', 2, 'u3', 'u4', 5, 'u6', 'u7']
const PROJECT_IDS: readonly Value[] = ['p0', 'p1', 'p2', 3]

function column(name: string, kind: Kind, pool: readonly Value[], missing = 10, nulls = 10): Column {
  return { path: name.split('.'), kind, pool, missing, nulls }
}

/** Every kind of value, mixed in one field too, missing and null. */
const COLLECTIONS: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  [
    'bugs',
    [
      column('id', 'id', BUG_IDS, 0, 0),
      column('title', 'string', STRINGS),
      column('status', 'string', ['open', 'done', 'Open', 'wip']),
      column('priority', 'int', [1, 2, 3, 4, 5], 5, 5),
      column('votes', 'int', [0, 1, 2, 3, 10, -2], 20, 5),
      column('estimate', 'float', [0.5, 1, 2.25, 8, -1.25]),
      column('ratio', 'decimal', [0.1, 0.7, 3.3, 12.49]),
      column('size', 'bigint', [0n, 1n, 5n, 2n ** 53n + 1n, -3n]),
      column('done', 'boolean', [true, false]),
      column('createdAt', 'date', DATES, 5, 5),
      column('updatedAt', 'date', DATES),
      column('ownerId', 'id', [...USER_IDS, 'u9', '2']),
      column('projectId', 'id', PROJECT_IDS, 5, 20),
      column('tags', 'array', ARRAYS, 20, 5),
      column('mixed', 'mixed', MIXED),
      column('meta.x', 'mixed', MIXED, 40, 5),
      column('meta.deep.y', 'int', [1, 2, 3], 40, 10),
      column('place', 'place', PLACES, 30, 5),
      column('spot', 'spot', [...PLACES, ...NO_PLACES], 30, 5),
      column('embedding', 'vector', VECTORS, 40, 5),
    ],
  ],
  [
    'users',
    [
      column('id', 'id', USER_IDS, 0, 0),
      column('name', 'string', STRINGS),
      column('team', 'string', ['core', 'web', 'Web'], 15, 15),
      column('age', 'int', [20, 30, 40]),
      column('score', 'float', [0.5, 1.5, 4]),
      column('boss', 'id', USER_IDS, 20, 20),
      column('joined', 'date', DATES),
      column('place', 'place', PLACES),
      column('mixed', 'mixed', MIXED),
    ],
  ],
  [
    'projects',
    [
      column('id', 'id', PROJECT_IDS, 0, 0),
      column('name', 'string', ['core', 'web', 'a', 'A']),
      column('lead', 'id', USER_IDS),
      column('budget', 'int', [0, 1, 2, 10]),
      column('active', 'boolean', [true, false]),
      column('tags', 'array', ARRAYS),
    ],
  ],
])

export function richWorld(clauses: Iterable<Clause>): World {
  return { collections: COLLECTIONS, clauses: new Set(clauses) }
}

/** Some records in every collection, most often more than in an index of one range. */
export function randomDatabase(draw: Draw, world: World): Database {
  return new Map(
    [...world.collections].map(([name, shape]) => {
      const most = shape.find(({ path }) => path[0] === 'id')!.pool.length
      const count = pickWeighted(draw, [
        [1, 0],
        [2, Math.min(most, 2)],
        [6, Math.ceil(most / 2)],
        [8, most],
      ])
      return [name, Array.from({ length: count }, (_, i) => randomRecord(draw, shape, i))]
    }),
  )
}

/** The record with the id of that index in its pool. */
export function randomRecord(draw: Draw, shape: Shape, index: number): StoredRecord {
  const record: { [name: string]: Value | undefined } = {}
  for (const { path, pool, missing = 0, nulls = 0 } of shape) {
    if (path[0] === 'id') record['id'] = pool[index]!
    else if (!isLikely(draw, missing)) put(record, path, isLikely(draw, nulls) ? null : pick(draw, pool))
  }
  return record as StoredRecord
}

function put(record: { [name: string]: Value | undefined }, path: Path, value: Value): void {
  const [name, ...rest] = path
  if (rest.length === 0) record[name!] = value
  else {
    // A column's path leads through objects only, and those are made here.
    const inner = (record[name!] ?? {}) as { [name: string]: Value | undefined }
    record[name!] = inner
    put(inner, rest, value)
  }
}
