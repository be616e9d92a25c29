/**
 * Some fields of many records: a record as `decode` gives it, but with the wanted fields of its top level only. What lies
 * before them is passed over by tags, what lies behind the last of them is not looked at. For filling indexes, which need
 * four fields of fourteen.
 */
import { BodyReader, beginSlabs, type Fields, readShape, readVarint, release, take } from './body-reader.ts'
import { KEY, type Layout } from './field-type.ts'
import { codeGenerationAllowed, GeneratedReaders } from './generate-reader.ts'
import { skipValue } from './locate.ts'
import { readCell, skipCell } from './read-cell.ts'
import { readGeneric, readValue, setField } from './read-value.ts'
import type { Shape, ShapeTable } from './shapes.ts'

export class Projection {
  readonly #wanted: ReadonlySet<string>
  readonly #keyed: boolean
  readonly #reader: BodyReader
  readonly #readers: GeneratedReaders | undefined

  constructor(
    shapes: ShapeTable,
    wanted: ReadonlySet<string>,
    options: { readonly keyed: boolean; readonly codeGeneration: boolean },
  ) {
    this.#wanted = wanted
    this.#keyed = options.keyed
    const generates = options.codeGeneration && codeGenerationAllowed()
    const nested = generates ? new GeneratedReaders(shapes, { keyed: false, datesAsNumbers: false }) : undefined
    this.#reader = new BodyReader(shapes, nested && ((shape) => nested.readerOf(shape)))
    this.#readers = generates
      ? new GeneratedReaders(shapes, { keyed: options.keyed, datesAsNumbers: false, wanted })
      : undefined
  }

  /** The wanted fields of the record in bytes[start, end); of one without a shape all. CODEC when it cannot be read. */
  read(bytes: Uint8Array, start: number, end: number, id: string | number): Fields {
    const r = this.#reader
    r.bytes = bytes
    r.origin = start
    r.at = start
    r.end = Math.min(end, bytes.length)
    const head = readVarint(r)
    const shape = head === 0 ? undefined : readShape(r, head - 1)
    beginSlabs(r, false)
    const fields = shape === undefined ? readGeneric(r, 0, this.#keyed, id) : this.#readShaped(r, shape, id)
    release(r)
    return fields
  }

  #readShaped(r: BodyReader, shape: Shape, id: string | number): Fields {
    const generated = this.#readers?.readerOf(shape)
    if (generated !== undefined) return generated(r, 1, id)
    if (shape.layout !== undefined) return this.#readTyped(r, shape.layout, id)
    const { names } = shape
    const keyIndex = this.#keyed ? shape.idIndex : -1
    const last = names.findLastIndex((name) => this.#wanted.has(name))
    const fields: Fields = {}
    for (let i = 0; i <= last; i++) {
      const name = names[i]!
      if (!this.#wanted.has(name)) {
        if (i !== keyIndex) skipValue(r, 1)
        continue
      }
      const value = i === keyIndex ? id : readValue(r, 1)
      if (value !== undefined) setField(fields, name, value)
    }
    return fields
  }

  #readTyped(r: BodyReader, layout: Layout, id: string | number): Fields {
    const start = take(r, layout.fixedSize)
    const fields: Fields = {}
    for (const field of layout.fields) {
      const cell = start + field.cell
      if (this.#wanted.has(field.name)) {
        const value = field.type === KEY ? id : (readCell(r, field, cell) ?? readValue(r, 1))
        if (value !== undefined) setField(fields, field.name, value)
      } else if (field.type !== KEY && !skipCell(r, field, cell)) skipValue(r, 1)
    }
    return fields
  }
}
