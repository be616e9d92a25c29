/**
 * Generated readers: per shape one function whose last expression is the object's literal, so that all objects of the
 * shape share one hidden class and no name is looked up. The interpreter in read-value.ts is its twin: the same bytes
 * give the same object or the same error, and a property test holds them to it. Where code generation is not allowed
 * only the interpreter runs.
 *
 * What enters the source is names as JSON literals and numbers, nothing else.
 */
import type { ShapeReader } from './body-reader.ts'
import { MAX_SHAPES } from './format.ts'
import { readValue } from './read-value.ts'
import type { Shape } from './shapes.ts'

/** Readings after which a shape gets a generated reader: compiling costs as much as a few dozen records. */
const GENERATE_AFTER = 16

/** The generated readers of one table of shapes. */
export class GeneratedReaders {
  readonly #keyed: boolean
  readonly #readers: (ShapeReader | undefined)[] = []
  readonly #uses = new Uint8Array(MAX_SHAPES)

  /** `keyed`: the name `id` is not read but given. */
  constructor(keyed: boolean) {
    this.#keyed = keyed
  }

  /** The reader of a shape that was read often enough. */
  readerOf(shape: Shape): ShapeReader | undefined {
    const reader = this.#readers[shape.id]
    if (reader !== undefined) return reader
    if (++this.#uses[shape.id]! < GENERATE_AFTER) return undefined
    const made = generateReader(shape, this.#keyed ? shape.idIndex : -1)
    this.#readers[shape.id] = made
    return made
  }
}

let allowed: boolean | undefined

/** True where the runtime lets strings become code. Asked once. */
export function codeGenerationAllowed(): boolean {
  if (allowed === undefined) {
    try {
      allowed = new Function('return true')() === true
    } catch {
      // An EvalError says that it is not allowed: an answer, not a failure.
      allowed = false
    }
  }
  return allowed
}

/** Makes the reader of a shape. The `depth` it is given counts the object itself. */
function generateReader(shape: Shape, keyIndex: number): ShapeReader {
  const reads: string[] = []
  const fields: string[] = []
  shape.names.forEach((name, i) => {
    if (i !== keyIndex) reads.push(`const v${i} = readValue(r, depth)`)
    const literal = JSON.stringify(name)
    // Only a computed name makes an own field of __proto__.
    fields.push(`${name === '__proto__' ? `[${literal}]` : literal}: ${i === keyIndex ? 'key' : `v${i}`}`)
  })
  const source = `'use strict'\nreturn function readShape(r, depth, key) {\n${reads.join('\n')}\nreturn { ${fields.join(', ')} }\n}`
  return new Function('readValue', source)(readValue) as ShapeReader
}
