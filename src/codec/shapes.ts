/**
 * Shapes: the ordered names of an object's fields, kept once in a table and named by a number in the bytes.
 *
 *   record {title, votes}      table            bytes
 *   record {title, votes}  →   0: title votes   0 "…" 7 · 0 "…" 9 · 1 …
 *   record {title}             1: title
 *
 * The table only grows, and its definitions travel beside the records: whoever writes a record first makes every shape
 * durable that its bytes name. Definitions are bytes of their own, with a kind first, so that later kinds (typed fields,
 * optional ones) can live in the same table.
 *
 * Which key sets become shapes: while fewer than EAGER_SHAPES exist, each at first sight; after that those that were
 * seen PROMOTE_AFTER times among the last MAX_CANDIDATES candidates; at MAX_SHAPES none. Sparse records thus cost at
 * most EAGER_SHAPES definitions that are of little use, and a type that matters still gets its shape.
 *
 * Invariants: ids are dense from 0 in order of definition; names in a shape differ; a definition never changes.
 */
import { equalBytes } from '../base/bytes.ts'
import { BlazeError } from '../base/errors.ts'
import { invariant } from '../base/invariant.ts'
import { MAX_SHAPE_KEYS, MAX_SHAPE_NAME, MAX_SHAPES } from './format.ts'
import { readNarrow, readWide, WIDE_UNIT, writeNarrow, writeWide } from './text.ts'
import { MAX_VARINT_SIZE, writeVarint } from './varint.ts'

/** Shapes made at first sight. */
export const EAGER_SHAPES = 256
/** Sightings after which a key set gets a shape once the eager ones are used up. */
export const PROMOTE_AFTER = 4
/** Key sets whose sightings are counted; when full, counting begins anew. */
const MAX_CANDIDATES = 4096

/** The one kind of definition there is: names only. */
const KIND_NAMES = 0

/** One shape. */
export interface Shape {
  readonly id: number
  readonly names: readonly string[]
  /** Where the record's key stands among the names, or -1. */
  readonly idIndex: number
  /** By field: the shape last written there, tried first the next time. A hint, never a truth. */
  readonly hints: (Shape | undefined)[]
  readonly definition: Uint8Array
}

interface Branch {
  readonly next: Map<string, Branch>
  shape: Shape | undefined
}

/** An append-only table of shapes. */
export class ShapeTable {
  readonly #shapes: Shape[] = []
  readonly #root: Branch = { next: new Map(), shape: undefined }
  readonly #candidates = new Map<string, number>()
  readonly #eagerCount: number

  /** `eagerCount`: how many key sets become shapes at first sight. */
  constructor(eagerCount: number = EAGER_SHAPES) {
    this.#eagerCount = eagerCount
  }

  /** Shapes so far; the next one gets this id. */
  get count(): number {
    return this.#shapes.length
  }

  /** The shape of an id, or undefined when there is none. */
  get(id: number): Shape | undefined {
    return this.#shapes[id]
  }

  /** The bytes that define a shape: the table's own, not to be changed. */
  definition(id: number): Uint8Array {
    const shape = this.#shapes[id]
    invariant(shape !== undefined, () => `shape ${id} of ${this.count}`)
    return shape.definition
  }

  /** Takes a definition over. In order of id; the same one again is fine. Anything else is CODEC. */
  define(id: number, definition: Uint8Array): void {
    const known = this.#shapes[id]
    if (known !== undefined) {
      if (!equalBytes(known.definition, definition)) throw damaged(0, `shape ${id} is already another one`)
      return
    }
    if (id !== this.count) throw damaged(0, `shape ${id} after ${this.count} shapes`)
    if (this.count >= MAX_SHAPES) throw damaged(0, `more than ${MAX_SHAPES} shapes`)
    this.#add(parseDefinition(definition), definition.slice())
  }

  /** The shape of exactly these names in this order; made when the rule above says so, else undefined. */
  shapeOf(names: readonly string[]): Shape | undefined {
    let branch: Branch | undefined = this.#root
    for (let i = 0; i < names.length && branch !== undefined; i++) branch = branch.next.get(names[i]!)
    return branch?.shape ?? this.#promote(names)
  }

  #promote(names: readonly string[]): Shape | undefined {
    if (this.count >= MAX_SHAPES || names.length > MAX_SHAPE_KEYS) return undefined
    if (names.some((name) => name.length > MAX_SHAPE_NAME)) return undefined
    if (this.count >= this.#eagerCount && !this.#seenOften(names)) return undefined
    return this.#add(names, formatDefinition(names))
  }

  #seenOften(names: readonly string[]): boolean {
    // Two key sets that join to the same text would only be promoted early.
    const candidate = names.join('\0')
    const seen = (this.#candidates.get(candidate) ?? 0) + 1
    if (seen >= PROMOTE_AFTER) {
      this.#candidates.delete(candidate)
      return true
    }
    if (this.#candidates.size >= MAX_CANDIDATES) this.#candidates.clear()
    this.#candidates.set(candidate, seen)
    return false
  }

  #add(given: readonly string[], definition: Uint8Array): Shape {
    const names = given.map(internalise)
    const shape: Shape = {
      id: this.count,
      names,
      idIndex: names.indexOf('id'),
      hints: names.map(() => undefined),
      definition,
    }
    this.#shapes.push(shape)
    let branch = this.#root
    for (const name of names) {
      let next = branch.next.get(name)
      if (next === undefined) {
        next = { next: new Map(), shape: undefined }
        branch.next.set(name, next)
      }
      branch = next
    }
    branch.shape ??= shape
    return shape
  }
}

/** The engine's own copy of a name: names of objects are compared with it by address first. */
function internalise(name: string): string {
  return Object.keys({ [name]: 0 })[0]!
}

function formatDefinition(names: readonly string[]): Uint8Array {
  let limit = 1 + MAX_VARINT_SIZE
  for (const name of names) limit += MAX_VARINT_SIZE + 2 * name.length
  const bytes = new Uint8Array(limit)
  let at = writeVarint(bytes, 1, names.length)
  bytes[0] = KIND_NAMES
  for (const name of names) {
    const wide = WIDE_UNIT.test(name)
    at = writeVarint(bytes, at, 2 * name.length + Number(wide))
    if (wide) writeWide(bytes, name, at)
    else writeNarrow(bytes, name, at)
    at += wide ? 2 * name.length : name.length
  }
  return bytes.slice(0, at)
}

function parseDefinition(bytes: Uint8Array): string[] {
  if (bytes.length < 2 || bytes[0] !== KIND_NAMES) throw damaged(0, 'not a shape that this version knows')
  let at = 1
  const size = (limit: number): number => {
    // Two bytes hold every count and size that the limits allow.
    const low = bytes[at++] ?? 0
    const value = low < 0x80 ? low : (low & 0x7f) | ((bytes[at++] ?? 0x80) << 7)
    if (value > limit || at > bytes.length) throw damaged(at, 'a count beyond its limit')
    return value
  }
  const names: string[] = []
  const seen = new Set<string>()
  for (let rest = size(MAX_SHAPE_KEYS); rest > 0; rest--) {
    const head = size(2 * MAX_SHAPE_NAME + 1)
    const wide = head % 2 === 1
    const end = at + (wide ? 2 : 1) * (head >>> 1)
    if (end > bytes.length) throw damaged(at, 'a name beyond the end')
    const name = wide ? readWide(bytes, at, end) : readNarrow(bytes, at, end)
    if (seen.has(name)) throw damaged(at, 'a name twice')
    seen.add(name)
    names.push(name)
    at = end
  }
  if (at !== bytes.length) throw damaged(at, 'bytes after the end')
  return names
}

function damaged(offset: number, found: string): BlazeError<'CODEC'> {
  return new BlazeError('CODEC', `The definition of a shape is damaged at byte ${offset}: ${found}.`, { offset })
}
