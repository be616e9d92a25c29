/** Definitions as bytes: the grammar is in shapes.ts. */
import { BlazeError } from '../base/errors.ts'
import * as t from './field-type.ts'
import { readNarrow, readWide, WIDE_UNIT, writeNarrow, writeWide } from './text.ts'
import { MAX_VARINT_SIZE, readPlainVarint, writeVarint } from './varint.ts'

export const KIND_NAMES = 0
export const KIND_TYPES = 1
export const KIND_CHOICES = 2

/** Bytes of a field's type at most: the type, and a varint of a dictionary. */
const MAX_TYPE_SIZE: number = 1 + MAX_VARINT_SIZE

export function formatNames(names: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(1 + stringsLimit(names))
  bytes[0] = KIND_NAMES
  return bytes.slice(0, writeStrings(bytes, 1, names))
}

export function formatChoices(dictionary: number, strings: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(1 + MAX_VARINT_SIZE + stringsLimit(strings))
  bytes[0] = KIND_CHOICES
  return bytes.slice(0, writeStrings(bytes, writeVarint(bytes, 1, dictionary), strings))
}

export function formatTypes(base: number, types: readonly t.FieldType[]): Uint8Array {
  const bytes = new Uint8Array(1 + MAX_VARINT_SIZE + types.length * MAX_TYPE_SIZE)
  bytes[0] = KIND_TYPES
  let at = writeVarint(bytes, 1, base)
  for (const type of types) {
    bytes[at++] = type.type
    if (type.type === t.CHOICE || type.type === t.CHOICES) at = writeVarint(bytes, at, type.dictionary)
    else if (type.type === t.SMALL) bytes[at++] = t.SCALES.indexOf(type.scale) | (type.signed ? 16 : 0)
    else if (type.type === t.FIXED) bytes[at++] = t.SCALES.indexOf(type.scale) | (type.size << 4)
  }
  return bytes.slice(0, at)
}

function stringsLimit(strings: readonly string[]): number {
  return strings.reduce((sum, text) => sum + MAX_VARINT_SIZE + 2 * text.length, MAX_VARINT_SIZE)
}

function writeStrings(bytes: Uint8Array, start: number, strings: readonly string[]): number {
  let at = writeVarint(bytes, start, strings.length)
  for (const text of strings) {
    const wide = WIDE_UNIT.test(text)
    at = writeVarint(bytes, at, 2 * text.length + Number(wide))
    if (wide) writeWide(bytes, text, at)
    else writeNarrow(bytes, text, at)
    at += wide ? 2 * text.length : text.length
  }
  return at
}

/** Reads one definition. Everything is checked; `strings` and `types` must be the last thing in it. */
export class DefinitionReader {
  readonly #bytes: Uint8Array
  readonly kind: number
  at = 1

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.kind = bytes[0] ?? -1
  }

  varint(): number {
    const { value, end } = readPlainVarint(this.#bytes, this.at)
    this.at = end
    return value
  }

  /** Strings that differ, at most `limit` of at most `units` UTF-16 units, to the end. */
  strings(limit: number, units: number): string[] {
    const count = this.#bounded(limit)
    const strings = new Set<string>()
    for (let i = 0; i < count; i++) {
      const text = this.#string(units)
      if (strings.has(text)) throw this.#damaged('a string twice')
      strings.add(text)
    }
    this.#end()
    return [...strings]
  }

  /** The types of `count` fields, to the end. */
  types(count: number): t.FieldType[] {
    const types: t.FieldType[] = []
    for (let i = 0; i < count; i++) types.push(this.#type())
    this.#end()
    return types
  }

  #type(): t.FieldType {
    const type = this.#byte()
    switch (type) {
      case t.ANY:
      case t.KEY:
      case t.BOOLEAN:
      case t.UUID:
      case t.DATE:
      case t.TEXT:
      case t.WIDE_TEXT:
      case t.FLOAT32:
      case t.FLOAT64:
        return { type }
      case t.CHOICE:
      case t.CHOICES:
        return { type, dictionary: this.varint() }
      case t.SMALL: {
        const parameter = this.#byte()
        if (parameter >= 32) throw this.#damaged('a number type that this version does not know')
        return { type, scale: this.#scale(parameter), signed: parameter >= 16 }
      }
      case t.FIXED: {
        const parameter = this.#byte()
        const size = parameter >>> 4
        if (size !== 3 && size !== 4 && size !== 6) throw this.#damaged('a number of another size')
        return { type, scale: this.#scale(parameter), size }
      }
      default:
        throw this.#damaged('a type that this version does not know')
    }
  }

  #scale(parameter: number): number {
    const scale = t.SCALES[parameter & 15]
    if (scale === undefined) throw this.#damaged('a scale that this version does not know')
    return scale
  }

  #string(units: number): string {
    const head = this.varint()
    const wide = head % 2 === 1
    const count = Math.floor(head / 2)
    const start = this.at
    const end = start + (wide ? 2 : 1) * count
    if (count > units || end > this.#bytes.length) throw this.#damaged('a string beyond its limit')
    this.at = end
    return wide ? readWide(this.#bytes, start, end) : readNarrow(this.#bytes, start, end)
  }

  #bounded(limit: number): number {
    const count = this.varint()
    if (count > limit) throw this.#damaged('a count beyond its limit')
    return count
  }

  #byte(): number {
    const byte = this.#bytes[this.at]
    if (byte === undefined) throw this.#damaged('the end')
    this.at++
    return byte
  }

  #end(): void {
    if (this.at !== this.#bytes.length) throw this.#damaged('bytes after the end')
  }

  #damaged(found: string): BlazeError<'CODEC'> {
    const offset = this.at
    return new BlazeError('CODEC', `A definition is damaged at byte ${offset}: ${found}.`, { offset })
  }
}
