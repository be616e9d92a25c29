/** Random indexes, and random writes between two queries. */
import type { StoredRecord, Value } from '../../../../src/base/values.ts'
import type { IndexForm } from '../../../../src/indexes/index-spec.ts'
import type { QueryData } from '../../../../src/query/query-data.ts'
import { type Draw, isLikely, pick, pickWeighted, several, someOf } from './draw.ts'
import { type Database, randomRecord, type Shape, type World } from './world.ts'

export type IndexSets = ReadonlyMap<string, readonly IndexForm[]>

/** Of each collection up to four indexes, in all forms that there are, mostly about what the query is about. */
export function randomIndexes(draw: Draw, world: World, query: QueryData): IndexSets {
  const asked = pathsIn(query)
  return new Map(
    [...world.collections].map(([name, shape]) => {
      const near = shape.filter(({ path }) => asked.has(path.join('.')))
      const made = several(draw, 0, 4, () => randomIndex(draw, near.length > 0 && isLikely(draw, 80) ? near : shape))
      const named = new Map(made.map((form) => [JSON.stringify(form, textOfBigInt), form]))
      return [name, [...named.values()].map((form, i) => ({ ...optionsOf(form), name: `index ${i}` }))]
    }),
  )
}

/** The paths of the query that are not those of `id`, as text. */
function pathsIn(query: QueryData): ReadonlySet<string> {
  const found = new Set<string>()
  JSON.stringify(query, (name, value: unknown) => {
    if (name === 'path' && Array.isArray(value)) found.add(value.join('.'))
    return typeof value === 'bigint' ? String(value) : value
  })
  found.delete('id')
  return found
}

function textOfBigInt(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

function optionsOf(form: IndexForm): Exclude<IndexForm, string | readonly string[]> {
  return typeof form === 'object' && 'on' in form ? form : { on: form }
}

const ID: Shape[number] = { path: ['id'], kind: 'id', pool: [] }

function randomIndex(draw: Draw, shape: Shape): IndexForm {
  const ordered = shape.filter(({ kind }) => kind !== 'vector' && kind !== 'mixed')
  const keys = ordered.length > 0 ? ordered : [ID]
  const scalars = keys.filter(({ kind }) => kind === 'string' || kind === 'int')
  const others = keys.filter(({ path }) => path[0] !== 'id')
  const arrays = shape.filter(({ kind }) => kind === 'array')
  const part = ({ path }: Shape[number]): string => `${isLikely(draw, 30) ? '-' : ''}${path.join('.')}`
  const kind = pickWeighted(draw, [
    [4, 'one'],
    [5, 'several'],
    [arrays.length > 0 ? 2 : 0, 'each'],
    [2, 'nocase'],
    [scalars.length > 0 ? 2 : 0, 'partial'],
    [others.length > 0 ? 1 : 0, 'unique'],
  ] as const)
  switch (kind) {
    case 'one':
      return part(pick(draw, keys))
    case 'several':
      return someOf(draw, keys, 3).map(part)
    case 'each':
      return { on: part(pick(draw, arrays)), each: true }
    case 'nocase':
      return { on: someOf(draw, keys, 2).map(part), collation: 'nocase' }
    case 'partial': {
      const { path, pool } = pick(draw, scalars)
      const where = {
        [path.join('.')]: isLikely(draw, 60) ? pick(draw, pool) : { in: [pick(draw, pool), pick(draw, pool)] },
      }
      return { on: someOf(draw, keys, 2).map(part), where: where as Value }
    }
    case 'unique':
      // Nothing else is sure to be there only once.
      return {
        on: [
          'id',
          part(
            pick(
              draw,
              keys.filter(({ path }) => path[0] !== 'id'),
            ),
          ),
        ],
        unique: true,
      }
  }
}

export type Write =
  | { readonly kind: 'insert' | 'replace'; readonly collection: string; readonly record: StoredRecord }
  | { readonly kind: 'delete'; readonly collection: string; readonly id: StoredRecord['id'] }

/** Up to eight writes that are possible one after the other, and the database after them. */
export function randomWrites(draw: Draw, world: World, database: Database): readonly [readonly Write[], Database] {
  const after = new Map([...database].map(([name, records]) => [name, [...records]]))
  const writes = several(draw, 1, 8, (): Write => {
    const [collection, shape] = pick(draw, [...world.collections])
    const records = after.get(collection)!
    const ids = shape.find(({ path }) => path[0] === 'id')!.pool
    const index = draw.below(ids.length)
    const record = randomRecord(draw, shape, index)
    const at = records.findIndex(({ id }) => id === record.id)
    if (at < 0) {
      records.push(record)
      return { kind: 'insert', collection, record }
    }
    if (isLikely(draw, 40)) {
      records.splice(at, 1)
      return { kind: 'delete', collection, id: record.id }
    }
    records[at] = record
    return { kind: 'replace', collection, record }
  })
  return [writes, after]
}
