/** Random indexes, and random writes between two queries. */
import type { StoredRecord, Value } from '../../../../src/base/values.ts'
import type { IndexForm } from '../../../../src/indexes/index-spec.ts'
import { type Draw, isLikely, pick, pickWeighted, several, someOf } from './draw.ts'
import { type Database, randomRecord, type Shape, type World } from './world.ts'

export type IndexSets = ReadonlyMap<string, readonly IndexForm[]>

/** Of each collection up to four indexes, in all forms that there are. */
export function randomIndexes(draw: Draw, world: World): IndexSets {
  return new Map(
    [...world.collections].map(([name, shape]) => {
      const made = several(draw, 0, 4, () => randomIndex(draw, shape))
      const named = new Map(made.map((form) => [JSON.stringify(form, textOfBigInt), form]))
      return [name, [...named.values()].map((form, i) => ({ ...optionsOf(form), name: `index ${i}` }))]
    }),
  )
}

function textOfBigInt(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}

function optionsOf(form: IndexForm): Exclude<IndexForm, string | readonly string[]> {
  return typeof form === 'object' && 'on' in form ? form : { on: form }
}

function randomIndex(draw: Draw, shape: Shape): IndexForm {
  const keys = shape.filter(({ kind }) => kind !== 'vector' && kind !== 'mixed')
  const arrays = shape.filter(({ kind }) => kind === 'array')
  const part = ({ path }: Shape[number]): string => `${isLikely(draw, 30) ? '-' : ''}${path.join('.')}`
  const kind = pickWeighted(draw, [
    [4, 'one'],
    [5, 'several'],
    [arrays.length > 0 ? 2 : 0, 'each'],
    [2, 'nocase'],
    [2, 'partial'],
    [1, 'unique'],
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
      const scalars = keys.filter(({ kind: of }) => of === 'string' || of === 'int')
      const { path, pool } = pick(draw, scalars)
      const where = {
        [path.join('.')]: isLikely(draw, 60) ? pick(draw, pool) : { in: [pick(draw, pool), pick(draw, pool)] },
      }
      return { on: someOf(draw, keys, 2).map(part), where: where as Value }
    }
    case 'unique':
      // Nothing else is sure to be there only once.
      return { on: ['id', ...someOf(draw, keys, 1).map(part)], unique: true }
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
