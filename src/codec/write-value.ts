/**
 * Writes values: what each kind becomes is in write-scalar.ts, how they nest is here.
 *
 * `depth` is the number of containers around a value. An object is first taken to have the shape that was last written
 * in its place (a hint, checked name by name); only when it has not are its names looked up. A value that user code
 * computes (a getter, a proxy) may throw: nothing here has to be undone then.
 */
import { MAX_DEPTH } from '../base/values.ts'
import { type BodyWriter, type Fields, refused, reserveBody, rewind, VALUE_RESERVE } from './body-writer.ts'
import { BOOLEAN } from './field-type.ts'
import * as f from './format.ts'
import { asBytes, asVector, type Vector, vectorBytes } from './kinds.ts'
import { NAMES, type Shape } from './shapes.ts'
import { writeVarint } from './varint.ts'
import { choiceOf, ESCAPES, MISFITS, writeCell } from './write-cell.ts'
import { writeBigint, writeBlob, writeDate, writeNumber, writeString, writeText } from './write-scalar.ts'

/** Writes one value with its tag. */
export function writeValue(w: BodyWriter, value: unknown, depth: number): void {
  if (w.bodyEnd + VALUE_RESERVE > w.body.length) reserveBody(w, VALUE_RESERVE)
  switch (typeof value) {
    case 'number':
      writeNumber(w, value)
      return
    case 'string':
      writeString(w, value)
      return
    case 'boolean':
      w.body[w.bodyEnd++] = value ? f.TAG_TRUE : f.TAG_FALSE
      return
    case 'object':
      if (value === null) w.body[w.bodyEnd++] = f.TAG_NULL
      else writeObjectLike(w, value, depth, undefined)
      return
    case 'bigint':
      writeBigint(w, value)
      return
    case 'undefined':
      throw refused(w, depth, 'undefined cannot be stored in an array; use null, or leave the element out')
    default:
      throw refused(w, depth, `a ${typeof value} cannot be stored`)
  }
}

/** Writes anything of type object but null. Gives the shape it used, for a hint. */
function writeObjectLike(w: BodyWriter, value: object, depth: number, hint: Shape | undefined): Shape | undefined {
  if (Array.isArray(value)) return writeArray(w, value, depth, hint)
  if (isPlainObject(value)) return writeObject(w, value as Fields, depth, hint)
  if (isDate(value)) {
    writeDate(w, value, depth)
    return undefined
  }
  const bytes = asBytes(value)
  if (bytes !== undefined) {
    writeBlob(w, f.TAG_BYTES, bytes, bytes.length)
    return undefined
  }
  const vector = asVector(value)
  if (vector === undefined) throw refused(w, depth, `${describe(value)} cannot be stored; use plain objects and arrays`)
  const tag = vector.BYTES_PER_ELEMENT === 4 ? f.TAG_FLOAT32S : f.TAG_FLOAT64S
  writeBlob(w, tag, vectorBytes(vector as Vector), vector.length)
  return undefined
}

function isDate(value: object): value is Date {
  return value instanceof Date || Object.prototype.toString.call(value) === '[object Date]'
}

/** Plain: made by a literal, JSON or Object.create(null), in whatever realm. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
}

function writeArray(
  w: BodyWriter,
  array: readonly unknown[],
  depth: number,
  hint: Shape | undefined,
): Shape | undefined {
  checkDepth(w, depth)
  const count = array.length
  if (count < f.SHORT_ARRAY_COUNT) w.body[w.bodyEnd++] = f.SHORT_STRINGS + count
  else {
    w.body[w.bodyEnd++] = f.TAG_ARRAY
    w.bodyEnd = writeVarint(w.body, w.bodyEnd, count)
  }
  let shape = hint
  for (let i = 0; i < count; i++) {
    w.path[depth] = i
    const element = array[i]
    if (typeof element === 'object' && element !== null) {
      if (w.bodyEnd + VALUE_RESERVE > w.body.length) reserveBody(w, VALUE_RESERVE)
      if (!writeHinted(w, element, depth + 1, shape)) shape = writeObjectLike(w, element, depth + 1, shape)
    } else writeValue(w, element, depth + 1)
  }
  return shape
}

/** Writes a record: an object whose layout stands in the head instead of a tag. */
export function writeRecord(w: BodyWriter, record: Fields, hint: Shape | undefined): Shape | undefined {
  w.isTop = true
  return writeObject(w, record, 0, hint)
}

/** Writes a plain object; gives the shape that its names have, for a hint, and leaves in w.written the layout it got. */
function writeObject(w: BodyWriter, object: Fields, depth: number, hint: Shape | undefined): Shape | undefined {
  checkDepth(w, depth)
  const { isTop } = w
  w.isTop = false
  if (hint !== undefined && writeTyped(w, object, depth, hint, isTop)) return hint
  const names = Object.keys(object)
  const values = presentValues(object, names)
  if (isTop) refuseReserved(w, names)
  const shape = w.shapes.shapeOf(names)
  if (shape === undefined) {
    if (!isTop) w.body[w.bodyEnd++] = f.TAG_OBJECT
    writeGeneric(w, names, values, depth, isTop && w.keyed)
    w.written = undefined
    return undefined
  }
  if (shape !== hint && writeTyped(w, object, depth, shape, isTop)) return shape
  const keyed = isTop && isKeyed(w, shape)
  if ((keyed ? shape.typedKeyed : shape.typed) !== undefined) w.shapes.relearn(shape, keyed)
  if (!isTop) writeShapeTag(w, shape)
  writePresent(w, shape, values, depth, keyed ? shape.idIndex : -1)
  w.shapes.learn(shape, keyed, values)
  w.written = shape
  return shape
}

function isKeyed(w: BodyWriter, shape: Shape): boolean {
  return w.keyed && shape.idIndex >= 0
}

function refuseReserved(w: BodyWriter, names: readonly string[]): void {
  for (const name of names) {
    if (name.charCodeAt(0) !== DOLLAR) continue
    w.path[0] = name
    throw refused(w, 1, 'names that begin with $ are reserved at the top of a record')
  }
}

const DOLLAR = 36

/** Writes an object with the typed form of a shape; false, with nothing written, when there is none or it does not fit. */
function writeTyped(w: BodyWriter, object: Fields, depth: number, shape: Shape, isTop: boolean): boolean {
  const typed = isTop && isKeyed(w, shape) ? shape.typedKeyed : shape.typed
  if (typed === undefined) return false
  const { bodyEnd, narrowEnd, wideEnd } = w
  if (!isTop) writeShapeTag(w, typed)
  const generated = w.generated?.ready[typed.id] ?? w.generated?.writeOf(typed)
  const written = generated === undefined ? interpretTyped(w, object, depth, typed) : generated(w, object, depth)
  if (written) w.written = typed
  else rewind(w, bodyEnd, narrowEnd, wideEnd)
  return written
}

/** What a generated writer does, field by field. */
function interpretTyped(w: BodyWriter, object: Fields, depth: number, shape: Shape): boolean {
  const { fields, fixedSize, flatSize } = shape.layout!
  if (!hasNames(shape, Object.keys(object))) return false
  const values = shape.names.map((name) => object[name])
  if (values.includes(undefined)) return false
  reserveBody(w, flatSize + VALUE_RESERVE)
  const start = w.bodyEnd
  w.body.fill(0, start, start + fixedSize)
  w.bodyEnd = start + fixedSize
  // Nothing may have been offered to a dictionary when a flag turns out not to fit.
  for (let i = 0; i < fields.length; i++) {
    if (fields[i]!.type === BOOLEAN && typeof values[i] !== 'boolean') return false
  }
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!
    const status = writeCell(w, field, start + field.cell, values[i])
    if (status === MISFITS) return false
    if (status === ESCAPES) writeEscaped(w, shape, i, values[i], depth)
    reserveBody(w, flatSize + VALUE_RESERVE)
  }
  return true
}

/** Writes the tagged value of field `i` of a typed object into the variable part. */
export function writeEscaped(w: BodyWriter, shape: Shape, i: number, value: unknown, depth: number): void {
  w.path[depth] = shape.names[i]!
  const { hints } = shape
  if (typeof value === 'object' && value !== null) {
    if (w.bodyEnd + VALUE_RESERVE > w.body.length) reserveBody(w, VALUE_RESERVE)
    if (writeHinted(w, value, depth + 1, hints[i])) return
    hints[i] = writeObjectLike(w, value, depth + 1, hints[i])
  } else writeValue(w, value, depth + 1)
}

/**
 * Writes a nested object by the generated writer of the shape that was last written in its place, without asking
 * anything else first; false, with nothing written, when that is not to be had or does not fit.
 */
function writeHinted(w: BodyWriter, value: object, depth: number, hint: Shape | undefined): boolean {
  const typed = hint?.typed
  if (typed === undefined || depth >= MAX_DEPTH || !isPlainObject(value)) return false
  const write = w.generated?.ready[typed.id]
  if (write === undefined) return false
  const { bodyEnd, narrowEnd, wideEnd } = w
  writeShapeTag(w, typed)
  // A plain object has string keys; its values are looked at by the writer.
  if (write(w, value as Fields, depth)) return true
  rewind(w, bodyEnd, narrowEnd, wideEnd)
  return false
}

function writeShapeTag(w: BodyWriter, shape: Shape): void {
  w.body[w.bodyEnd++] = f.TAG_SHAPED
  w.bodyEnd = writeVarint(w.body, w.bodyEnd, shape.id)
}

/** True when the shape has exactly these names. */
function hasNames(shape: Shape, names: readonly string[]): boolean {
  const known = shape.names
  if (known.length !== names.length) return false
  for (let i = 0; i < known.length; i++) if (known[i] !== names[i]) return false
  return true
}

/** Reads the values of `names`, each once, and drops names (in place) whose value is undefined. */
function presentValues(object: Fields, names: string[]): unknown[] {
  const values: unknown[] = []
  let kept = 0
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    const value = object[name]
    if (value === undefined) continue
    names[kept++] = name
    values.push(value)
  }
  // Setting a length costs as much as reading a field, even to what it is.
  if (kept < names.length) names.length = kept
  return values
}

/** Writes values that were read before, in the order of the shape, but for `skip`. */
function writePresent(w: BodyWriter, shape: Shape, values: readonly unknown[], depth: number, skip: number): void {
  const { names, hints } = shape
  for (let i = 0; i < names.length; i++) {
    if (i === skip) continue
    const value = values[i]
    w.path[depth] = names[i]!
    if (typeof value === 'object' && value !== null) {
      if (w.bodyEnd + VALUE_RESERVE > w.body.length) reserveBody(w, VALUE_RESERVE)
      hints[i] = writeObjectLike(w, value, depth + 1, hints[i])
    } else writeValue(w, value, depth + 1)
  }
}

/** Writes names and values without a shape; the key of a keyed record is left out. */
function writeGeneric(
  w: BodyWriter,
  names: readonly string[],
  values: readonly unknown[],
  depth: number,
  keyed: boolean,
): void {
  if (w.bodyEnd + VALUE_RESERVE > w.body.length) reserveBody(w, VALUE_RESERVE)
  w.bodyEnd = writeVarint(w.body, w.bodyEnd, names.length)
  const known = w.shapes.dictionary(NAMES)
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!
    w.path[depth] = name
    if (w.bodyEnd + 2 * VALUE_RESERVE > w.body.length) reserveBody(w, 2 * VALUE_RESERVE)
    const number = choiceOf(w.shapes, known, name)
    // Where a name stands, a number is that of a known name.
    if (number >= 0) writeNumber(w, number)
    else writeText(w, name)
    if (keyed && name === 'id') w.body[w.bodyEnd++] = f.TAG_KEY
    else writeValue(w, values[i], depth + 1)
  }
}
function checkDepth(w: BodyWriter, depth: number): void {
  if (depth >= MAX_DEPTH) {
    throw refused(w, depth, `nested deeper than ${MAX_DEPTH} levels (or an object that contains itself)`)
  }
}
function describe(value: object): string {
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name
  return typeof name === 'string' && name !== '' && name !== 'Object' ? `an instance of ${name}` : 'a special object'
}
