/**
 * Arbitraries of JSON Schema (draft 2020-12), as far as validators of records use it: types and their bounds, enum,
 * const, anyOf, oneOf, allOf, properties, items, prefixItems, references within the document. What JSON Schema cannot
 * say comes as `{}`: `open` says what is drawn there, else anything is; the schema itself has the last word about all of it.
 */
import fc from 'fast-check'
import type { Value } from '../../base/values.ts'
import { number, text } from './scalars.ts'
import { value } from './value.ts'

/** A part of a JSON Schema. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/** References that go round are followed so deep; below, what may be missing is. */
const MAX_REFERENCES = 3
const MOST_ITEMS = 5
const MOST_CHARACTERS = 40

/** Where in a document a schema is. */
export interface SchemaContext {
  readonly root: JsonSchema
  /** References that were followed on the way. */
  readonly depth?: number
  /** Names on the way from the record; undefined within a list. */
  readonly path?: readonly string[] | undefined
  /** Everything that may be missing is there. */
  readonly full?: boolean
  /** What is drawn where nothing is described. */
  readonly open?: (path: readonly string[]) => fc.Arbitrary<Value | undefined> | undefined
}

/** What `schema`, a part of the context's document, describes. */
export function jsonSchemaArbitrary(schema: JsonSchema, context: SchemaContext): fc.Arbitrary<Value | undefined> {
  const reference = schema['$ref']
  if (typeof reference === 'string') return referenced(reference, context)
  if (Array.isArray(schema['enum'])) return fc.constantFrom(...(schema['enum'] as Value[]))
  if ('const' in schema) return fc.constant(schema['const'] as Value)
  const either = schema['anyOf'] ?? schema['oneOf']
  if (Array.isArray(either)) {
    return fc.oneof(...either.map((one) => jsonSchemaArbitrary(merged(without(schema), one as JsonSchema), context)))
  }
  if (Array.isArray(schema['allOf'])) {
    const all = (schema['allOf'] as JsonSchema[]).reduce(merged, { ...schema, allOf: undefined })
    return jsonSchemaArbitrary(all, context)
  }
  const { type } = schema
  if (Array.isArray(type)) return fc.oneof(...type.map((one: unknown) => ofType({ ...schema, type: one }, context)))
  return ofType(schema, context)
}

function ofType(schema: JsonSchema, context: SchemaContext): fc.Arbitrary<Value | undefined> {
  switch (schema['type'] ?? (schema['properties'] === undefined ? undefined : 'object')) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return integerOf(schema)
    case 'number':
      return numberOf(schema)
    case 'string':
      return stringOf(schema)
    case 'array':
      return arrayOf(schema, context)
    case 'object':
      return objectFrom(schema, context)
    default:
      return (context.path && context.open?.(context.path)) ?? anything
  }
}

/** What a schema does not describe: a little of every kind, dates often, because JSON has none. */
export const anything: fc.Arbitrary<Value> = fc.oneof(
  fc.date({ noInvalidDate: true }),
  fc.integer(),
  text({ maxLength: 20 }),
  fc.boolean(),
  fc.bigInt(),
  fc.uint8Array({ maxLength: 8, size: 'max' }),
  value({ maxDepth: 1, maxLength: 3, maxTextLength: 20 }),
)

function referenced(reference: string, context: SchemaContext): fc.Arbitrary<Value | undefined> {
  const { root, depth = 0 } = context
  let at: unknown = root
  for (const name of reference.split('/').slice(1)) {
    const plain = decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')
    at = typeof at === 'object' && at !== null ? Reflect.get(at, plain) : undefined
  }
  if (typeof at !== 'object' || at === null || depth >= MAX_REFERENCES) return fc.constant(undefined)
  return jsonSchemaArbitrary(at as JsonSchema, { ...context, depth: depth + 1 })
}

function without(schema: JsonSchema): JsonSchema {
  const { anyOf: _, oneOf: __, ...rest } = schema
  return rest
}

/** Both of two schemas, as far as they name different things; properties are joined. */
function merged(a: JsonSchema, b: JsonSchema): JsonSchema {
  const properties = { ...(a['properties'] as object | undefined), ...(b['properties'] as object | undefined) }
  const required = [...listOf(a['required']), ...listOf(b['required'])]
  return { ...a, ...b, ...(Object.keys(properties).length > 0 && { properties }), ...(required[0] && { required }) }
}

function listOf(list: unknown): readonly string[] {
  return Array.isArray(list) ? (list as string[]) : []
}

function limit(schema: JsonSchema, keyword: string, otherwise: number): number {
  const found = schema[keyword]
  return typeof found === 'number' ? found : otherwise
}

function integerOf(schema: JsonSchema): fc.Arbitrary<number> {
  const step = limit(schema, 'multipleOf', 1)
  const low = Math.max(limit(schema, 'minimum', -1e9), Math.floor(limit(schema, 'exclusiveMinimum', -2e9)) + 1)
  const high = Math.min(limit(schema, 'maximum', 1e9), Math.ceil(limit(schema, 'exclusiveMaximum', 2e9)) - 1)
  const [min, max] = [Math.ceil(low / step), Math.floor(Math.max(low, high) / step)]
  return fc
    .integer({ min: Math.max(min, -(2 ** 31)), max: Math.min(Math.max(min, max), 2 ** 31 - 1) })
    .map((n) => n * step)
}

function numberOf(schema: JsonSchema): fc.Arbitrary<number> {
  if (schema['multipleOf'] !== undefined) return integerOf(schema)
  const isBounded = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].some((each) => each in schema)
  if (!isBounded) return fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), number())
  const min = Math.max(limit(schema, 'minimum', -1e15), limit(schema, 'exclusiveMinimum', -1e15))
  const max = Math.min(limit(schema, 'maximum', 1e15), limit(schema, 'exclusiveMaximum', 1e15))
  return fc.double({
    min,
    max,
    minExcluded: schema['exclusiveMinimum'] === min,
    maxExcluded: schema['exclusiveMaximum'] === max,
    noNaN: true,
  })
}

const FORMATS: Readonly<Record<string, () => fc.Arbitrary<string>>> = {
  uuid: () => fc.uuid(),
  email: () => fc.tuple(letters, letters).map(([who, where]) => `${who}@${where}.example`),
  uri: () => letters.map((path) => `https://example.com/${path}`),
  ipv4: () => fc.ipV4(),
  ipv6: () => fc.ipV6(),
  'date-time': () => moments.map((date) => date.toISOString()),
  date: () => moments.map((date) => date.toISOString().slice(0, 10)),
  time: () => moments.map((date) => date.toISOString().slice(11, 19)),
}

const letters = fc.string({ unit: fc.constantFrom(...'abcdefghij'), minLength: 1, maxLength: 8, size: 'max' })
const moments = fc.date({ min: new Date(0), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true })

function stringOf(schema: JsonSchema): fc.Arbitrary<string> {
  const format = FORMATS[String(schema['format'])]
  if (format !== undefined) return format()
  if (typeof schema['pattern'] === 'string') {
    const pattern = patternOf(schema['pattern'])
    if (pattern !== undefined) return pattern
  }
  const minLength = limit(schema, 'minLength', 0)
  const maxLength = Math.max(
    minLength,
    Math.min(limit(schema, 'maxLength', MOST_CHARACTERS), minLength + MOST_CHARACTERS),
  )
  const within = text({ maxLength }).filter((one) => one.length >= minLength)
  // Of long strings few are drawn by chance.
  return minLength > 1 ? fc.string({ minLength, maxLength, size: 'max' }) : within
}

/** Undefined for a pattern that fast-check cannot make strings of (look-around, back-references). */
function patternOf(pattern: string): fc.Arbitrary<string> | undefined {
  try {
    return fc.stringMatching(new RegExp(pattern, 'u'), { maxLength: MOST_CHARACTERS })
  } catch {
    return undefined
  }
}

function arrayOf(schema: JsonSchema, outer: SchemaContext): fc.Arbitrary<Value> {
  const context = { ...outer, path: undefined }
  const prefix = (schema['prefixItems'] as JsonSchema[] | undefined) ?? []
  const rest = schema['items'] as JsonSchema | false | undefined
  const minLength = Math.max(0, limit(schema, 'minItems', 0) - prefix.length)
  const maxLength =
    rest === false || (prefix.length > 0 && rest === undefined)
      ? 0
      : Math.max(minLength, Math.min(limit(schema, 'maxItems', MOST_ITEMS), minLength + MOST_ITEMS) - prefix.length)
  const items = jsonSchemaArbitrary(rest === undefined || rest === false ? {} : rest, context)
  const bounds = { minLength, maxLength, size: 'max' } as const
  const isUnique = schema['uniqueItems'] === true
  const tail = isUnique
    ? fc.uniqueArray(items, { ...bounds, selector: (one) => JSON.stringify(one) ?? '' })
    : fc.array(items, bounds)
  const head = fc.tuple(...prefix.map((one) => jsonSchemaArbitrary(one, context)))
  return fc.tuple(head, tail).map(([a, b]) => [...a, ...b].filter((one) => one !== undefined))
}

function objectFrom(schema: JsonSchema, context: SchemaContext): fc.Arbitrary<Value> {
  const properties = Object.entries((schema['properties'] as { [name: string]: JsonSchema } | undefined) ?? {})
  const required = listOf(schema['required'])
  const named = properties.map(([name, part]) => {
    const field = jsonSchemaArbitrary(part, { ...context, path: context.path && [...context.path, name] })
    return context.full === true || required.includes(name) ? field : fc.option(field, { nil: undefined, freq: 3 })
  })
  const known = fc
    .tuple(...named)
    .map((values) =>
      properties.flatMap(([name], at) => (values[at] === undefined ? [] : [[name, values[at]] as const])),
    )
  const further = schema['additionalProperties']
  // Only a map says what it holds beside its properties; of open objects the named ones are enough.
  const open =
    typeof further === 'object' && further !== null && properties.length === 0
      ? fc.array(fc.tuple(letters, jsonSchemaArbitrary(further as JsonSchema, context)), {
          maxLength: MOST_ITEMS,
          size: 'max',
        })
      : fc.constant([])
  return fc
    .tuple(known, open)
    .map(([a, b]) => Object.fromEntries([...a, ...b].filter(([, one]) => one !== undefined)) as Value)
}
