/** The part of the world that SQL has too: each field of one type, and clauses that mean the same there. */
import type { Path, Value } from '../../../../src/base/values.ts'
import type { Clause, Column, Kind, Shape, World } from './world.ts'

/** What to-sql.ts translates. */
export const SQL_CLAUSES: readonly Clause[] = [
  ...(['where', 'orderBy', 'limit', 'offset', 'select', 'compare', 'inQuery', 'exists', 'from', 'join'] as const),
  ...(['compute', 'group', 'inexact', 'window', 'distinct', 'set'] as const),
]

const STRINGS = [
  '',
  'a',
  'A',
  'ab',
  'Ab',
  'b',
  ' b ',
  'a%',
  'a_b',
  "'",
  'ß',
  'é',
  '\uffff',
  '\u{1f600}a',
  'Login broken',
]
const USERS = ['u0', 'u1', 'u2', 'u3', 'u4', 'u5']
const PROJECTS = ['p0', 'p1', 'p2']
const BUGS = Array.from({ length: 20 }, (_, i) => `b${(i * 7) % 20}`)
const DATES = [0, 1_700_000_000_000, 1_700_000_000_001, -1].map((ms) => new Date(ms))

function column(name: string, kind: Kind, pool: readonly Value[], missing = 10, nulls = 10): Column {
  return { path: name.split('.'), kind, pool, missing, nulls }
}

const COLLECTIONS: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  [
    'bugs',
    [
      column('id', 'id', BUGS, 0, 0),
      column('title', 'string', STRINGS),
      column('status', 'string', ['open', 'done', 'Open']),
      column('priority', 'int', [1, 2, 3, 4, 5], 5, 5),
      column('votes', 'int', [0, 1, 2, 3, 10, -2], 20, 5),
      column('estimate', 'float', [0.5, 1, 2.25, 8, -1.25]),
      column('ratio', 'decimal', [0.1, 0.7, 3.3, 12.49]),
      column('done', 'boolean', [true, false]),
      column('createdAt', 'date', DATES, 5, 5),
      column('updatedAt', 'date', DATES),
      column('ownerId', 'id', [...USERS, 'u9']),
      column('projectId', 'id', PROJECTS, 5, 20),
      column('meta.deep.y', 'int', [1, 2, 3], 40, 10),
    ],
  ],
  [
    'users',
    [
      column('id', 'id', USERS, 0, 0),
      column('name', 'string', STRINGS),
      column('team', 'string', ['core', 'web', 'Web'], 15, 15),
      column('age', 'int', [20, 30, 40]),
      column('score', 'float', [0.5, 1.5, 4]),
      column('boss', 'id', USERS, 20, 20),
      column('joined', 'date', DATES),
    ],
  ],
  [
    'projects',
    [
      column('id', 'id', PROJECTS, 0, 0),
      column('name', 'string', ['core', 'web', 'a', 'A']),
      column('lead', 'id', USERS),
      column('budget', 'int', [0, 1, 2, 10]),
      column('active', 'boolean', [true, false]),
    ],
  ],
])

/** With those of the clauses that SQL has. */
export function sqlWorld(clauses: Iterable<Clause>): World {
  return { collections: COLLECTIONS, clauses: new Set([...clauses].filter((clause) => SQL_CLAUSES.includes(clause))) }
}

/** The columns of each collection. */
export function sqlTables(): ReadonlyMap<string, readonly Path[]> {
  return new Map([...COLLECTIONS].map(([name, shape]) => [name, shape.map(({ path }) => path)]))
}
