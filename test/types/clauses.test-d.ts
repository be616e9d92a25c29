/** What compiles and what does not, of joins, groups, windows and the rest: checked by the type checker, not run. */
import type { Query } from '../../src/query/builder.ts'
import { exists } from '../../src/query/exists.ts'
import type { DynamicRecord } from '../../src/query/types.ts'
import { not } from '../../src/query/where.ts'

interface Bug {
  id: string
  title: string
  status: 'open' | 'closed'
  priority: number
  big: bigint
  ownerId?: string
  createdAt: Date
  closedAt: Date | null
  place: { lat: number; lng: number }
  vector: Float32Array
}
interface User {
  id: string
  name: string
  team: string
  age: number
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function isTrue<T extends true>(): T | undefined {
  return undefined
}

export function joins(bugs: Query<Bug>, users: Query<User>): void {
  const joined = bugs.join('owner', users, { ownerId: 'id' })
  joined.where({ 'owner.team': 'core', status: 'open' }).orderBy('owner.name')
  const rows = joined.all()
  isTrue<Same<(typeof rows)[number]['owner'], User>>()
  const left = bugs.leftJoin('owner', users, { ownerId: 'id' }).all()
  isTrue<Same<(typeof left)[number]['owner'], User | undefined>>()
  const right = bugs.rightJoin('owner', users, { ownerId: 'id' }).all()
  isTrue<Same<(typeof right)[number]['priority'], number | undefined>>()
  joined.select('title', 'owner.name').all()[0]?.['owner.name'].toUpperCase()
  bugs.join('owner', users, [[(e) => e.lower('ownerId'), 'id']])
  bugs.where({ ownerId: { in: users.where({ team: 'core' }).select('id') } })
  bugs.where(exists<Bug, User>(users, { ownerId: 'id' }))
  bugs.where(
    not(
      exists<Bug, User>(
        users.where((e) => e.lt('age', e.outer('priority'))),
        { ownerId: 'id' },
      ),
    ),
  )

  // @ts-expect-error the other has no such field
  bugs.join('owner', users, { ownerId: 'key' })
  // @ts-expect-error this has no such field
  bugs.join('owner', users, { owner: 'id' })
  // @ts-expect-error the joined row has no such field
  joined.where({ 'owner.nope': 1 })
  // @ts-expect-error a team is text
  joined.where({ 'owner.team': 1 })
  // @ts-expect-error names are text, owners' ages are not
  bugs.where({ ownerId: { in: users.select('age') } })
}

export function groups(bugs: Query<Bug>): void {
  const groups = bugs.groupBy('status', {
    n: { count: true },
    worst: { max: 'priority' },
    mean: { avg: 'priority' },
    total: { sum: 'priority' },
    titles: { array: 'title', orderBy: [['createdAt', 'desc']] },
    late: { count: true, where: { closedAt: null } },
    half: { percentile: ['priority', 0.5] },
  })
  groups.having({ n: { gt: 1 } }).orderBy('worst', 'desc')
  const [row] = groups.all()
  if (row !== undefined) {
    isTrue<Same<typeof row.status, 'open' | 'closed'>>()
    isTrue<Same<typeof row.n, number>>()
    isTrue<Same<typeof row.worst, number | null>>()
    isTrue<Same<typeof row.mean, number | null>>()
    isTrue<Same<typeof row.total, number>>()
    isTrue<Same<typeof row.titles, string[]>>()
  }
  const [several] = bugs.groupBy(['status', 'ownerId'], { n: { count: true } }).all()
  isTrue<Same<NonNullable<typeof several>['ownerId'], string | undefined>>()
  const [day] = bugs.groupBy({ day: (e) => e.bin('createdAt', 'day') }, { n: { count: true } }).all()
  isTrue<Same<NonNullable<typeof day>['day'], Date | null>>()
  const all = bugs.aggregate({ n: { count: true }, first: { first: 'title' } })
  isTrue<Same<typeof all.first, string | null>>()

  // @ts-expect-error no such field
  bugs.groupBy('nope', { n: { count: true } })
  // @ts-expect-error no such field
  bugs.groupBy('status', { n: { sum: 'nope' } })
  // @ts-expect-error no such function
  bugs.groupBy('status', { n: { mode: 'title' } })
  // @ts-expect-error groups have no title
  groups.where({ title: 'x' })
}

export function others(bugs: Query<Bug>, anything: Query<DynamicRecord>): void {
  const ranked = bugs.window({ place2: { rank: true, partitionBy: 'status', orderBy: [['priority', 'desc']] } })
  isTrue<Same<ReturnType<typeof ranked.all>[number]['place2'], number>>()
  ranked.where({ place2: { lte: 3 } }).orderBy('place2')
  const shifted = bugs.window({ before: { lag: 'title', orderBy: 'createdAt' } }).all()
  isTrue<Same<(typeof shifted)[number]['before'], string | null>>()
  const computed = bugs.compute({
    double: (e) => e.multiply('priority', 2),
    kind: (e) => e.when({ status: 'open' }, e.value('a')).otherwise(e.value('b')),
  })
  computed.where({ double: { gt: 4 } })
  isTrue<Same<ReturnType<typeof computed.all>[number]['kind'], 'a' | 'b'>>()
  const near = bugs.nearest('place', { lat: 1, lng: 2 }).limit(3).all()
  isTrue<Same<(typeof near)[number]['$distance'], number>>()
  bugs.nearest('vector', new Float32Array(3), { metric: 'cosine' })
  bugs.where({ place: { near: { lat: 1, lng: 2, radiusMeters: 3 } } })
  bugs.select('status').distinct().union(bugs.select('status')).orderBy('status')
  anything
    .join('other', anything, { a: 'b' })
    .where({ 'other.c': 1 })
    .groupBy(['x'], { n: { count: true } })

  // @ts-expect-error no such field
  bugs.compute({ double: (e) => e.multiply('nope', 2) })
  // @ts-expect-error a window function that does not exist
  bugs.window({ n: { ntile: 4 } })
  // @ts-expect-error text is no place
  bugs.where({ title: { near: { lat: 1, lng: 2, radiusMeters: 3 } } })
  // @ts-expect-error rows of another shape
  bugs.select('status').union(bugs.select('priority'))
}
