/** What compiles and what does not: checked by the type checker over test/, not run. */
import type { Query } from '../../src/query/builder.ts'
import type { DynamicRecord } from '../../src/query/types.ts'
import { and, not, or } from '../../src/query/where.ts'

interface Bug {
  id: string
  title: string
  status: 'open' | 'closed'
  priority: number
  big: bigint
  ownerId?: string
  closedAt: Date | null
  tags: string[]
  geo: { lat: number; place?: { city: string; zip: { code: string } } }
  steps: { text: string }[]
  vector: Float32Array
}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function isTrue<T extends true>(): T | undefined {
  return undefined
}

export function typedQueries(bugs: Query<Bug>): void {
  bugs.where({ status: 'open', priority: { gte: 4, lt: 10n }, title: { like: '%a' } })
  bugs.where({
    'geo.lat': { between: [1, 2] },
    'geo.place.city': 'Rome',
    'steps.0.text': { contains: 'x' },
    'tags.0': 'a',
  })
  bugs.where({
    tags: { any: 'a', none: { startsWith: 'b' } },
    ownerId: null,
    closedAt: { lt: new Date() },
    big: { in: [1n, null] },
  })
  bugs.where({ geo: { eq: { lat: 1 } }, ownerId: { isNull: true }, tags: ['a'] })
  bugs.where(or({ status: 'open' }, not({ priority: 1 }), and({ title: 'x' })))
  bugs.where(or({ status: 'open' }, { priority: { gte: 4 } }))
  bugs.orderBy('geo.place.city', 'desc', { nulls: 'last', collation: 'nocase' })

  // @ts-expect-error a field that does not exist
  bugs.where({ nope: 1 })
  // @ts-expect-error a value of another type
  bugs.where({ priority: 'high' })
  // @ts-expect-error a value that is not of the enumeration
  bugs.where({ status: 'opened' })
  // @ts-expect-error an operand of another type class
  bugs.where({ priority: { gte: '4' } })
  // @ts-expect-error a pattern for a number
  bugs.where({ priority: { like: '4%' } })
  // @ts-expect-error an operator that does not exist
  bugs.where({ priority: { above: 4 } })
  // @ts-expect-error a bare object cannot be told from a condition
  bugs.where({ geo: { lat: 1 } })
  // @ts-expect-error elements are strings
  bugs.where({ tags: { any: 1 } })
  // @ts-expect-error a path that does not exist
  bugs.where({ 'geo.place.street': 'x' })
  // @ts-expect-error a wrong value inside or
  bugs.where(or({ status: 'opened' }))
  // @ts-expect-error a wrong field inside not
  bugs.where(not({ nope: 1 }))
  // @ts-expect-error a field to order by that does not exist
  bugs.orderBy('nope')
  // @ts-expect-error a direction that does not exist
  bugs.orderBy('title', 'down')
  // @ts-expect-error a field to select that does not exist
  bugs.select('nope')

  isTrue<Same<ReturnType<typeof rows>, Bug[]>>()
  function rows() {
    return bugs.where({}).limit(1).all()
  }
  const [row] = bugs.select('id', 'ownerId', 'geo.lat', 'geo.place.city').all()
  isTrue<Same<typeof row, { id: string; ownerId?: string; 'geo.lat': number; 'geo.place.city'?: string } | undefined>>()
  const named = bugs.select({ where: 'geo.place.city', what: 'title' }).first()
  const what: string | undefined = named?.what
  const city: string | undefined = named?.where
  // @ts-expect-error a field that was not selected
  named?.title
  void [what, city]
}

export function dynamicQueries(anything: Query<DynamicRecord>): void {
  anything.where({ whatever: 1, 'a.b.c.d.e': { gte: 'x' }, list: { any: { lt: 5 } }, ok: { in: [1, 'a', null] } })
  anything.where(or({ a: 1 }, { b: { regex: /x/ } })).orderBy('z')
  // @ts-expect-error an operator that does not exist
  anything.where({ a: { above: 4 } })
  // @ts-expect-error not a value that a record can hold
  anything.where({ a: new Map() })
  const id: string | number | undefined = anything.first()?.id
  void id
}
