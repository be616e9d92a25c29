/**
 * Generated readers: per shape one function whose last expression is the object's literal, so that all objects of the
 * shape share one hidden class and no name is looked up. The interpreter in read-value.ts is its twin: the same bytes
 * give the same object, or CODEC from both, and a property test holds them to it. Where code generation is not allowed
 * only the interpreter runs.
 *
 * The reader of a typed shape keeps its places in local variables: p in the variable part, q in the narrow slab. What is
 * not plainly in its cell is left to `other`, before and after which the places are handed over. Reading beyond the end
 * gives undefined or the bytes of a neighbour, never an error: the places are checked once, before the object is made.
 *
 * What enters the source is names as JSON literals and numbers, nothing else.
 */

import { formatUuid } from '../base/uuid.ts'
import type { Value } from '../base/values.ts'
import { type BodyReader, damaged, type ShapeReader } from './body-reader.ts'
import * as t from './field-type.ts'
import { floatBytes, floatView } from './floats.ts'
import { MAX_SHAPES } from './format.ts'
import { skipValue } from './locate.ts'
import { skipCell } from './read-cell.ts'
import { readCellOrValue, readValue } from './read-value.ts'
import type { Shape, ShapeTable } from './shapes.ts'

/** Readings after which a shape gets a generated reader: compiling costs as much as a few dozen records. */
const GENERATE_AFTER = 16

/** The generated readers of one table of shapes. */
export class GeneratedReaders {
  readonly #table: ShapeTable
  readonly #keyed: boolean
  readonly #datesAsNumbers: boolean
  readonly #wanted: ReadonlySet<string> | undefined
  readonly #readers: (ShapeReader | undefined)[] = []
  readonly #uses = new Uint8Array(MAX_SHAPES)

  /**
   * `keyed`: the name `id` of untyped shapes is not read but given. `wanted`: the objects have these fields only, and
   * their strings are read one by one.
   */
  constructor(
    table: ShapeTable,
    options: { readonly keyed: boolean; readonly datesAsNumbers: boolean; readonly wanted?: ReadonlySet<string> },
  ) {
    this.#table = table
    this.#keyed = options.keyed
    this.#datesAsNumbers = options.datesAsNumbers
    this.#wanted = options.wanted
  }

  /** The reader of a shape that was read often enough. */
  readerOf(shape: Shape): ShapeReader | undefined {
    const reader = this.#readers[shape.id]
    if (reader !== undefined) return reader
    if (++this.#uses[shape.id]! < GENERATE_AFTER) return undefined
    const made =
      shape.layout === undefined
        ? generateReader(shape, this.#keyed ? shape.idIndex : -1, this.#wanted)
        : generateTypedReader(shape.layout, this.#table, this.#datesAsNumbers, this.#wanted)
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

/** A name as a property of an object literal. Only a computed name makes an own field of __proto__. */
function property(name: string): string {
  const literal = JSON.stringify(name)
  return name === '__proto__' ? `[${literal}]` : literal
}

/** Makes the reader of a shape. The `depth` it is given counts the object itself. Behind the last wanted field it stops. */
function generateReader(shape: Shape, keyIndex: number, wanted: ReadonlySet<string> | undefined): ShapeReader {
  const reads: string[] = []
  const fields: string[] = []
  const last = shape.names.findLastIndex((name) => isWanted(name, wanted))
  shape.names.slice(0, last + 1).forEach((name, i) => {
    const keep = isWanted(name, wanted)
    if (i !== keyIndex) reads.push(keep ? `const v${i} = readValue(r, depth)` : 'skipValue(r, depth)')
    if (keep) fields.push(`${property(name)}: ${i === keyIndex ? 'key' : `v${i}`}`)
  })
  const source = `'use strict'\nreturn function readShape(r, depth, key) {\n${reads.join('\n')}\nreturn { ${fields.join(', ')} }\n}`
  return new Function('readValue', 'skipValue', source)(readValue, skipValue) as ShapeReader
}

function isWanted(name: string, wanted: ReadonlySet<string> | undefined): boolean {
  return wanted === undefined || wanted.has(name)
}

/** What generated readers call; their names are the variables of the source. */
interface Help {
  readonly fields: readonly t.TypedField[]
  readonly strings: readonly (readonly string[])[]
  readonly floatBytes: Uint8Array
  readonly floatView: DataView
  readonly formatUuid: (bytes: Uint8Array, at: number) => string
  readonly other: (r: BodyReader, field: t.TypedField, cell: number, depth: number) => Value | undefined
  readonly skip: (r: BodyReader, field: t.TypedField, cell: number, depth: number) => void
  readonly tooShort: (r: BodyReader) => Error
}

/** Makes the reader of a typed shape. */
function generateTypedReader(
  layout: t.Layout,
  table: ShapeTable,
  datesAsNumbers: boolean,
  wanted: ReadonlySet<string> | undefined,
): ShapeReader {
  const last = layout.fields.findLastIndex(({ name }) => isWanted(name, wanted))
  const fields = layout.fields.slice(0, last + 1)
  const reads = fields.map((field, i) => {
    if (!isWanted(field.name, wanted)) return skipSource(field, i)
    return wanted !== undefined && field.type === t.TEXT ? textSource(field, i) : readSource(field, i, datesAsNumbers)
  })
  const kept = fields.map((field, i) => ({ field, i })).filter(({ field }) => isWanted(field.name, wanted))
  const properties = kept.map(({ field, i }) => `${property(field.name)}: ${field.type === t.KEY ? 'key' : `v${i}`}`)
  const source = `'use strict'
return function readTyped(r, depth, key) {
  const b = r.bytes
  const c = r.at
  let p = c + ${layout.fixedSize}
  if (p > r.end) throw help.tooShort(r)
  let q = r.narrowAt
  const s = r.narrowText
  let h = 0
${reads.join('\n')}
  if (p > r.end || q > r.narrowCount) throw help.tooShort(r)
  r.at = p
  r.narrowAt = q
  return { ${properties.join(', ')} }
}`
  const help: Help = {
    fields,
    strings: fields.map(({ dictionary }) => (dictionary < 0 ? [] : table.dictionary(dictionary).strings)),
    floatBytes,
    floatView,
    formatUuid,
    other: readCellOrValue,
    skip: (r, field, cell, depth) => {
      if (!skipCell(r, field, cell)) skipValue(r, depth)
    },
    tooShort: (r) => damaged(r, 'the end, or a string beyond its slab'),
  }
  const constants = `const { fields, strings, floatBytes, floatView, formatUuid, other, skip } = help\n${fields
    .map((field, i) => (field.dictionary < 0 ? '' : `const d${i} = strings[${i}]`))
    .join('\n')}`
  return new Function('help', `${constants}\n${source}`)(help) as ShapeReader
}

/** The statements that read a text for itself: the slab was not read whole. */
function textSource(field: t.TypedField, i: number): string {
  return `  let v${i}; ${otherSource(field, i)}`
}

/** The statements that pass over field i. */
function skipSource(field: t.TypedField, i: number): string {
  const skip = `{ r.at = p; r.narrowAt = q; skip(r, fields[${i}], c + ${field.cell}, depth); p = r.at; q = r.narrowAt }`
  switch (field.type) {
    case t.KEY:
    case t.BOOLEAN:
    case t.UUID:
    case t.FLOAT32:
    case t.FLOAT64:
      return ''
    case t.TEXT:
      return `  if ((h = ${at(field.cell)}) < ${t.LONG_TEXT}) q += h; else ${skip}`
    case t.CHOICE:
      return `  if (${at(field.cell)} === ${t.ESCAPE}) ${skip}`
    case t.CHOICES:
      return `  if ((h = ${at(field.cell)}) !== ${t.ESCAPE}) p += h; else ${skip}`
    case t.SMALL:
      return `  if ((h = ${at(field.cell)}) >= ${t.SMALL_BYTES}) ${skip}`
    default:
      return `  ${skip}`
  }
}

/** A byte of the fixed part. */
export const at = (offset: number): string => (offset === 0 ? 'b[c]' : `b[c + ${offset}]`)

/** Three or four bytes as a signed integer. */
export function signed(cell: number, size: number): string {
  const parts = Array.from({ length: size }, (_, i) => (i === 0 ? at(cell) : `${at(cell + i)} << ${8 * i}`))
  return size === 3 ? `((${parts.join(' | ')}) << 8 >> 8)` : `(${parts.join(' | ')})`
}

/** The statements that have the interpreter read field i. */
function otherSource(field: t.TypedField, i: number): string {
  return `r.at = p; r.narrowAt = q; v${i} = other(r, fields[${i}], c + ${field.cell}, depth); p = r.at; q = r.narrowAt`
}

/** The statements that set v<i>; `other` are those for a value that is not plainly in its cell. */
export function readSource(
  field: t.TypedField,
  i: number,
  datesAsNumbers: boolean,
  other: string = otherSource(field, i),
): string {
  const { cell } = field
  const v = `v${i}`
  const divided = (integer: string): string => (field.scale === 1 ? integer : `${integer} / ${field.scale}`)
  const low = `((${at(cell)} | ${at(cell + 1)} << 8 | ${at(cell + 2)} << 16 | ${at(cell + 3)} << 24) >>> 0)`
  const high = `((${at(cell + 4)} | ${at(cell + 5)} << 8) << 16 >> 16)`
  switch (field.type) {
    case t.KEY:
      return ''
    case t.BOOLEAN:
      return `  const ${v} = (${at(cell)} & ${field.mask}) !== 0`
    case t.UUID:
      return `  const ${v} = formatUuid(b, c + ${cell})`
    case t.DATE: {
      const ms = `h * 4294967296 + ${low}`
      return `  let ${v}; h = ${high}; if (h !== -32768) ${v} = ${datesAsNumbers ? ms : `new Date(${ms})`}; else { ${other} }`
    }
    case t.TEXT:
      return `  let ${v}; h = ${at(cell)}; if (h < ${t.LONG_TEXT}) { ${v} = s.substring(q, q + h); q += h } else { ${other} }`
    case t.CHOICE:
      return `  let ${v} = d${i}[${at(cell)}]; if (${v} === undefined) { ${other} }`
    case t.CHOICES:
      return `  let ${v}; h = ${at(cell)}
  if (h === 1) ${v} = [d${i}[b[p++]]]
  else if (h === 2) { ${v} = [d${i}[b[p]], d${i}[b[p + 1]]]; p += 2 }
  else if (h === 3) { ${v} = [d${i}[b[p]], d${i}[b[p + 1]], d${i}[b[p + 2]]]; p += 3 }
  else { ${other} }
  if (h < 4 && ${v}.includes(undefined)) throw help.tooShort(r)`
    case t.SMALL: {
      const integer = field.signed ? `((h >>> 1) ^ -(h & 1))` : 'h'
      return `  let ${v}; h = ${at(cell)}; if (h < ${t.ESCAPE}) { if (h >= ${t.SMALL_BYTES}) h = ${t.SMALL_BYTES} + (h - ${t.SMALL_BYTES} << 8) + b[p++]; ${v} = ${divided(integer)} } else { ${other} }`
    }
    case t.FIXED:
      if (field.size === 6)
        return `  let ${v}; h = ${high}; if (h !== -32768) ${v} = ${divided(`(h * 4294967296 + ${low})`)}; else { ${other} }`
      return `  let ${v}; h = ${signed(cell, field.size)}; if (h !== ${field.size === 3 ? -0x800000 : -0x80000000}) ${v} = ${divided('h')}; else { ${other} }`
    case t.FLOAT32:
    case t.FLOAT64: {
      const size = field.type === t.FLOAT32 ? 4 : 8
      const copies = Array.from({ length: size }, (_, j) => `floatBytes[${j}] = ${at(cell + j)}`).join('; ')
      return `  ${copies}; const ${v} = floatView.getFloat${8 * size}(0, true)`
    }
    default:
      return `  let ${v}; ${other}`
  }
}
