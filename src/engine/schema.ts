/**
 * Schemas by Standard Schema (https://standardschema.dev): zod, valibot, arktype and others. Only the interface is
 * known here; no validator is imported. A schema must be synchronous and accept its own output unchanged: what is
 * stored is the output, and it is validated again with every update.
 */
import { BlazeError } from '../base/errors.ts'
import type { StoredRecord } from '../base/values.ts'

/** The part of Standard Schema v1 that a collection needs. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
    /** The schema as JSON Schema, where the library has it: tells whether further fields are refused. */
    readonly jsonSchema?: { readonly input: (options: { readonly target: 'draft-2020-12' }) => object } | undefined
  }
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** Runs one collection's schema. */
export class SchemaRules {
  readonly #collection: string
  readonly #schema: StandardSchema
  #proven = false
  /** Null until it is asked for. */
  #fields: ReadonlySet<string> | undefined | null = null

  constructor(collection: string, schema: StandardSchema) {
    this.#collection = collection
    this.#schema = schema
  }

  /** The schema's output for a record; throws SCHEMA with the issues. */
  validate(record: object): StoredRecord {
    const output = this.#run(record)
    if (!this.#proven) {
      this.#prove(output)
      this.#proven = true
    }
    return output as StoredRecord
  }

  /** The names that a record may have at its top, when the schema refuses all others; undefined when that is not known. */
  get fields(): ReadonlySet<string> | undefined {
    if (this.#fields === null) this.#fields = closedFields(this.#schema)
    return this.#fields
  }

  #run(record: object): object {
    const result = this.#schema['~standard'].validate(record)
    if (isThenable(result)) {
      // The promise is not ours to await; a rejection of it must not end the process.
      result.then(undefined, () => undefined)
      throw new BlazeError(
        'SCHEMA_ASYNC',
        `the schema of ${this.#collection} validates asynchronously, which a database cannot wait for; make its checks synchronous. Nothing was written.`,
        { collection: this.#collection },
      )
    }
    if (result.issues !== undefined) throw this.#refusal(result.issues)
    const output: unknown = result.value
    if (typeof output !== 'object' || output === null || Array.isArray(output)) {
      throw new BlazeError('SCHEMA', `the schema of ${this.#collection} does not give an object; nothing was written`, {
        issues: [{ path: this.#collection, message: 'the output is not an object' }],
      })
    }
    return output
  }

  /** Once after an open: the output, validated again, must come back as it is. */
  #prove(output: object): void {
    let again: object
    try {
      again = this.#run(output)
    } catch (error) {
      if (error instanceof BlazeError && error.code === 'SCHEMA') throw this.#notIdempotent(error)
      throw error
    }
    if (!sameValue(output, again)) throw this.#notIdempotent(undefined)
  }

  #notIdempotent(cause: unknown): BlazeError<'SCHEMA_NOT_IDEMPOTENT'> {
    return new BlazeError(
      'SCHEMA_NOT_IDEMPOTENT',
      `the schema of ${this.#collection} changes or refuses its own output, so a stored record would change with every update; move transforms out of it. Nothing was written.`,
      { collection: this.#collection },
      { cause },
    )
  }

  #refusal(issues: readonly StandardIssue[]): BlazeError<'SCHEMA'> {
    const named = issues.map((issue) => ({ path: pathOf(this.#collection, issue), message: issue.message }))
    const first = named[0]
    return new BlazeError(
      'SCHEMA',
      `${first?.path ?? this.#collection}: ${first?.message ?? 'refused by the schema'}${named.length > 1 ? ` (and ${named.length - 1} more)` : ''}; nothing was written`,
      { issues: named },
    )
  }
}

/** The properties of a JSON Schema without additional ones. A schema that cannot be put into JSON Schema tells nothing. */
function closedFields(schema: StandardSchema): ReadonlySet<string> | undefined {
  // What has no counterpart in JSON Schema (dates) does not matter here: only the names do.
  const options = { target: 'draft-2020-12', libraryOptions: { unrepresentable: 'any' } } as const
  let json: { readonly properties?: object; readonly additionalProperties?: unknown }
  try {
    json = schema['~standard'].jsonSchema?.input(options) ?? {}
  } catch {
    return undefined
  }
  if (json.additionalProperties !== false || json.properties === undefined) return undefined
  return new Set([...Object.keys(json.properties), 'id'])
}

function pathOf(collection: string, issue: StandardIssue): string {
  let path = collection
  for (const item of issue.path ?? []) {
    const name = typeof item === 'object' ? item.key : item
    path += typeof name === 'number' ? `[${name}]` : `.${String(name)}`
  }
  return path
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** Same content, exactly; undefined fields count as missing. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime()
  if (ArrayBuffer.isView(a)) return ArrayBuffer.isView(b) && sameBytes(a, b)
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameValue(item, b[i]))
  }
  return sameFields(a, b) && sameFields(b, a)
}

function sameFields(a: object, b: object): boolean {
  return Object.entries(a).every(
    ([name, value]) => value === undefined || (Object.hasOwn(b, name) && sameValue(value, Reflect.get(b, name))),
  )
}

function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const left = new Uint8Array(a.buffer, a.byteOffset, a.byteLength)
  const right = new Uint8Array(b.buffer, b.byteOffset, b.byteLength)
  return a.constructor === b.constructor && left.length === right.length && left.every((byte, i) => byte === right[i])
}
