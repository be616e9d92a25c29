/**
 * Records. From nothing: any fields. From a shape: the fields that it names. From a Standard Schema: what the schema
 * accepts, found in three ways, the surest first:
 *
 *   JSON Schema   where the library tells it (zod, arktype): built from it; what JSON does not have (dates) is found by
 *                 asking the schema which kinds it takes there
 *   probing       where it does not (valibot): the issues name the fields that are missing and refuse what does not fit
 *   the shape     what is given beside the schema counts before both
 *
 * Whatever was built is validated: what the schema refuses is drawn again. When hardly anything passes, the call says so.
 */
import fc from 'fast-check'
import type { Value } from '../../base/values.ts'
import { assertKnown } from '../../engine/known-options.ts'
import type { StandardSchema } from '../../engine/schema.ts'
import { assertArbitraries, assertArbitrary, assertOptions, given, refused } from '../arguments.ts'
import type { PlainRecord } from './plain-record.ts'
import { id as anyId, name } from './scalars.ts'
import { schemaArbitrary } from './schema.ts'
import { objectOf, value } from './value.ts'

/** The values of each field, by its name. */
export type Shape = { readonly [name: string]: fc.Arbitrary<Value | undefined> }

export interface RecordOptions {
  /** The fields and their values; with a schema, those that count before what the schema tells. */
  readonly shape?: Shape
  /** Fields of the shape that may be missing. */
  readonly optional?: readonly string[]
  /** A Standard Schema: zod, valibot, arktype or another. */
  readonly schema?: StandardSchema
  /** With a schema: what an insert takes (`input`, the default), or what is stored of it, defaults filled (`output`). */
  readonly as?: 'input' | 'output'
  /** The ids; none by default where a shape or a schema says what the fields are, any otherwise. */
  readonly id?: fc.Arbitrary<string | number>
  /** Fields of a record of no shape; 10 by default. */
  readonly maxFields?: number
}

const CHECKS = {
  shape: assertArbitraries,
  optional(argument: string, value: unknown): void {
    if (!Array.isArray(value)) throw refused(argument, `optional is an array of names, found ${given(value)}`)
  },
  schema(argument: string, value: unknown): void {
    // A schema of arktype is a function.
    const isSchema = value !== null && ['object', 'function'].includes(typeof value) && '~standard' in Object(value)
    if (!isSchema) throw refused(argument, `schema is a Standard Schema (zod, valibot, arktype), found ${given(value)}`)
  },
  as(argument: string, value: unknown): void {
    if (value !== 'input' && value !== 'output') throw refused(argument, `as is input or output, found ${given(value)}`)
  },
  id: assertArbitrary,
  maxFields: 0,
} as const

/** A name that may be missing has to be one of the shape. */
function assertNamed({ shape, optional = [], id }: RecordOptions): void {
  const named = { ...shape, ...(id && { id }) }
  const unknown = optional.find((name) => !(name in named))
  if (unknown !== undefined) throw refused('optional', `optional names ${unknown}, which is no field of the shape`)
}

/**
 * Plain objects that a collection takes.
 * @example
 * arbitraries.record()                                                  // anything, with an id
 * arbitraries.record({ shape: { id: arbitraries.id({ count: 9 }), n: fc.nat() }, optional: ['n'] })
 * arbitraries.record({ schema: z.object({ title: z.string().max(80), dueAt: z.date() }) })
 */
export function record(options: RecordOptions = {}): fc.Arbitrary<PlainRecord> {
  assertKnown('arbitraries.record()', options, Object.keys(CHECKS))
  assertOptions(options, CHECKS)
  assertNamed(options)
  const { id, schema, shape = {} } = options
  const named: Shape = { ...shape, ...(id && { id }) }
  if (schema !== undefined) {
    const own = fromShape(named, options.optional ?? [])
    return schemaArbitrary(schema, { own, names: Object.keys(named), output: options.as === 'output' })
  }
  if (options.shape !== undefined) return fromShape(named, options.optional ?? [])
  return fc
    .tuple(id ?? anyId(), fields(options.maxFields ?? 10))
    .map(([key, rest]) => ({ id: key, ...withoutId(rest) }))
}

/** What a record may have beside its id: names that do not begin with `$`, any values. */
export function fields(maxFields = 10): fc.Arbitrary<{ [name: string]: Value }> {
  const names = name().filter((each) => !each.startsWith('$'))
  return objectOf(value(), { maxLength: maxFields, names })
}

function withoutId({ id: _, ...rest }: PlainRecord): PlainRecord {
  return rest
}

function fromShape(shape: Shape, optional: readonly string[]): fc.Arbitrary<PlainRecord> {
  const requiredKeys = Object.keys(shape).filter((each) => !optional.includes(each))
  return fc.record<PlainRecord, string>({ ...shape }, { requiredKeys })
}
