/** Records that a Standard Schema accepts: built from what it tells of itself, and proved by it. */
import fc from 'fast-check'
import { BlazeError } from '../../base/errors.ts'
import type { Value } from '../../base/values.ts'
import type { StandardIssue, StandardSchema } from '../../engine/schema.ts'
import { type JsonSchema, jsonSchemaArbitrary } from './json-schema.ts'
import type { PlainRecord } from './plain-record.ts'
import { type Ask, probedArbitrary, probePlace, probeSchema } from './probe-schema.ts'
import { pathOf } from './standard-issue.ts'

interface Wanted {
  /** Fields that the caller makes. */
  readonly own: fc.Arbitrary<PlainRecord>
  readonly names: readonly string[]
  /** What is stored, rather than what is given. */
  readonly output: boolean
}

/** Drawn before it is said that nothing passes. */
const TRIES = 200
/** Records of `schema`. Throws INVALID_ARGUMENT, naming the last issue, when nothing passes. */
export function schemaArbitrary(schema: StandardSchema, wanted: Wanted): fc.Arbitrary<PlainRecord> {
  const built = builtFrom(schema)
  const drawn = fc.tuple(built, wanted.own).map(([base, own]) => ({ ...base, ...own }))
  proveThatSomePass(schema, drawn)
  return drawn
    .filter((record) => issuesOf(schema, record) === undefined)
    .map((record) => (wanted.output ? outputOf(schema, record) : record))
}

function builtFrom(schema: StandardSchema): fc.Arbitrary<PlainRecord> {
  const ask = (candidate: unknown) => issuesOf(schema, candidate)
  const json = jsonSchemaOf(schema)
  const built = json === undefined ? probedArbitrary(probeSchema(ask)) : describedArbitrary(json, ask)
  return built.map((one) => (isPlain(one) ? (one as PlainRecord) : {}))
}

/** What a JSON Schema describes; where it does not (dates), the schema itself is asked, beside a sample of the rest. */
function describedArbitrary(json: JsonSchema, ask: Ask): fc.Arbitrary<unknown> {
  const root = { root: json, path: [] } as const
  const found = new Map<string, fc.Arbitrary<Value | undefined>>()
  const open: (readonly string[])[] = []
  const note = (path: readonly string[]): undefined => void open.push(path)
  const [base] = fc.sample(jsonSchemaArbitrary(json, { ...root, full: true, open: note }), { numRuns: 1, seed: 1 })
  for (const path of open) {
    const values = probePlace(ask, base, path)
    if (values !== undefined) found.set(path.join('\n'), values)
  }
  return jsonSchemaArbitrary(json, { ...root, open: (path) => found.get(path.join('\n')) })
}

/** Undefined where the library does not tell, or cannot put this schema into JSON Schema. */
function jsonSchemaOf(schema: StandardSchema): JsonSchema | undefined {
  const options = { target: 'draft-2020-12', libraryOptions: { unrepresentable: 'any' } } as const
  try {
    return schema['~standard'].jsonSchema?.input(options) as JsonSchema | undefined
  } catch {
    return undefined
  }
}

/** One look ahead, by a seed of its own: a filter that lets nothing pass would search for ever. */
function proveThatSomePass(schema: StandardSchema, drawn: fc.Arbitrary<PlainRecord>): void {
  let last: readonly StandardIssue[] | undefined
  for (const record of fc.sample(drawn, { numRuns: TRIES, seed: 1 })) {
    last = issuesOf(schema, record)
    if (last === undefined) return
  }
  const [issue] = last ?? []
  const where = firstPath(last)?.join('.') ?? ''
  throw new BlazeError(
    'INVALID_ARGUMENT',
    `none of ${TRIES} records passes the schema; the last was refused ${where === '' ? '' : `at ${where} `}with: ${issue?.message ?? 'no message'}. Say how such fields are made: record({ schema, shape: { ${where === '' ? 'field' : where}: … } }).`,
    { argument: 'schema' },
  )
}

/** Undefined when the record passes. */
function issuesOf(schema: StandardSchema, record: unknown): readonly StandardIssue[] | undefined {
  const result = schema['~standard'].validate(record)
  if ('then' in result) {
    result.then(undefined, () => undefined)
    throw new BlazeError('SCHEMA_ASYNC', 'the schema validates asynchronously; make its checks synchronous', {
      collection: 'arbitraries.record',
    })
  }
  return result.issues
}

function outputOf(schema: StandardSchema, record: PlainRecord): PlainRecord {
  const result = schema['~standard'].validate(record)
  // Only what has passed, synchronously, comes here.
  return 'value' in result && isPlain(result.value) ? (result.value as PlainRecord) : record
}

function firstPath(issues: readonly StandardIssue[] | undefined): readonly PropertyKey[] | undefined {
  return issues?.[0] === undefined ? undefined : pathOf(issues[0])
}

function isPlain(one: unknown): one is object {
  return typeof one === 'object' && one !== null && !Array.isArray(one)
}
