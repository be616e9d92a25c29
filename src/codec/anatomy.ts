/**
 * What each byte of encoded records is for: which field it belongs to, and what it says of it.
 *
 *   {title: 'Crash', votes: 7, ok: true}, typed       02 · 0A · C r a s h · 01 · 05 · 07
 *
 *   []        shape 1, length 1 (of the slab), flag 0.875 (bits that no field uses)
 *   [title]   length 1, text 5        [votes]   number 1        [ok]   flag 0.125
 *
 * A walk as that of locate.ts, which notes what it passes over. Values lie one after another, and strings in the slabs in
 * the order of the values, so every byte has one owner; flags are bits, and count as eighths, which add up exactly.
 *
 * Elements of an array count for the array, fields of its objects for the names below it: `items.price`, as often as
 * there are items.
 *
 * Invariant: the parts of some bytes add up to their size, or the bytes are CODEC.
 */
import { invariant } from '../base/invariant.ts'
import type { Path } from '../base/values.ts'
import {
  type BodyReader,
  beginSlabs,
  checkSlabs,
  damaged,
  enter,
  readInteger,
  readShape,
  readVarint,
  release,
  take,
} from './body-reader.ts'
import * as t from './field-type.ts'
import * as f from './format.ts'
import { skipValue } from './locate.ts'
import { skipCell } from './read-cell.ts'
import { readName } from './read-value.ts'
import type { Shape } from './shapes.ts'
import { readPlainVarint } from './varint.ts'

/**
 * What bytes say. `shape`: which names and types an object has · `name`: a name that stands in the bytes, or its number ·
 * `tag`: what kind of value follows, also the cell of a value that stands elsewhere · `length`: how many units, elements,
 * bytes, names or rows · `text`: units of strings · `choice`: numbers of strings of a dictionary · `flag`: booleans and
 * nulls · `number` (bigints, too) · `uuid` · `date` · `bytes`: of byte arrays and vectors · `extension`: of a later version.
 */
export type AnatomyKind =
  | 'shape'
  | 'name'
  | 'tag'
  | 'length'
  | 'text'
  | 'choice'
  | 'flag'
  | 'number'
  | 'uuid'
  | 'date'
  | 'bytes'
  | 'extension'

/** The bytes of one kind of one field. */
export interface AnatomyPart {
  /** The names that lead to the field; elements of arrays have none. Empty: the record itself. */
  readonly path: Path
  readonly kind: AnatomyKind
  /** A multiple of an eighth: a boolean may be a bit. */
  readonly bytes: number
}

/** A field, or the record, with what was found of it. */
interface Owner {
  readonly path: Path
  readonly bytes: Map<AnatomyKind, number>
  readonly children: Map<string, Owner>
}

/** A reader, and whose the bytes are that are read next. */
interface Walk {
  readonly r: BodyReader
  owner: Owner
}

/** The parts of the record at the reader's position, which has no key of its own. */
export function recordAnatomy(r: BodyReader): AnatomyPart[] {
  const start = r.at
  const walk: Walk = { r, owner: newOwner([]) }
  walkRow(walk, beginLayout(walk))
  return finish(walk, start)
}

/** The parts of a batch (batch.ts): those of all rows together, and of what the rows share. */
export function batchAnatomy(r: BodyReader): AnatomyPart[] {
  const start = r.at
  const walk: Walk = { r, owner: newOwner([]) }
  const total = noteVarint(walk, 'length')
  for (let done = 0; done < total; ) {
    const head = noteVarint(walk, 'shape')
    const shape = head === 0 ? undefined : readShape(r, head - 1)
    const rows = noteVarint(walk, 'length')
    noteSlabs(walk)
    if (rows === 0 || rows > total - done || (rows > 1 && rows > r.end - r.at)) throw damaged(r, `${rows} rows`)
    for (let i = 0; i < rows; i++) walkRow(walk, shape)
    checkSlabs(r)
    done += rows
  }
  return finish(walk, start)
}

function finish({ r, owner }: Walk, start: number): AnatomyPart[] {
  if (r.at !== r.end) throw damaged(r, 'bytes after the end')
  checkSlabs(r)
  const size = r.end - start
  release(r)
  const parts = partsOf(owner)
  const sum = parts.reduce((sum, { bytes }) => sum + bytes, 0)
  invariant(sum === size, () => `the parts of ${size} bytes add up to ${sum}`)
  return parts
}

function partsOf({ path, bytes, children }: Owner): AnatomyPart[] {
  const own = [...bytes].filter(([, size]) => size > 0).map(([kind, size]) => ({ path, kind, bytes: size }))
  return [...own, ...[...children.values()].flatMap(partsOf)]
}

function newOwner(path: Path): Owner {
  return { path, bytes: new Map(), children: new Map() }
}

function childOf(owner: Owner, name: string): Owner {
  let child = owner.children.get(name)
  if (child === undefined) {
    child = newOwner([...owner.path, name])
    owner.children.set(name, child)
  }
  return child
}

function note({ bytes }: Owner, kind: AnatomyKind, size: number): void {
  bytes.set(kind, (bytes.get(kind) ?? 0) + size)
}

function noteVarint({ r, owner }: Walk, kind: AnatomyKind): number {
  const start = r.at
  const value = readVarint(r)
  note(owner, kind, r.at - start)
  return value
}

function beginLayout(walk: Walk): Shape | undefined {
  const head = noteVarint(walk, 'shape')
  const shape = head === 0 ? undefined : readShape(walk.r, head - 1)
  noteSlabs(walk)
  return shape
}

/** The sizes of the slabs; what lies in them is noted where it is used. */
function noteSlabs({ r, owner }: Walk): void {
  const start = r.at
  beginSlabs(r, false)
  note(owner, 'length', r.narrowStart - start)
}

/** Bytes of the slabs that were used so far. */
function usedText(r: BodyReader): number {
  return r.narrowAt + 2 * r.wideAt
}

function walkRow(walk: Walk, shape: Shape | undefined): void {
  if (shape === undefined) walkGeneric(walk, 0)
  else walkShaped(walk, shape, 0)
}

function walkChild(walk: Walk, name: string, depth: number): void {
  const { owner } = walk
  walk.owner = childOf(owner, name)
  walkValue(walk, depth)
  walk.owner = owner
}

function walkGeneric(walk: Walk, depth: number): void {
  const { r, owner } = walk
  const count = noteVarint(walk, 'length')
  enter(r, 2 * count, depth)
  for (let i = 0; i < count; i++) {
    const start = r.at + usedText(r)
    const name = readName(r)
    note(childOf(owner, name), 'name', r.at + usedText(r) - start)
    walkChild(walk, name, depth + 1)
  }
}

function walkShaped(walk: Walk, shape: Shape, depth: number): void {
  enter(walk.r, shape.layout === undefined ? shape.names.length : 0, depth)
  if (shape.layout !== undefined) walkTyped(walk, shape.layout, depth)
  else for (const name of shape.names) walkChild(walk, name, depth + 1)
}

function walkTyped(walk: Walk, { fields, fixedSize }: t.Layout, depth: number): void {
  const { r, owner } = walk
  const start = take(r, fixedSize)
  const flags = fields.filter(({ type }) => type === t.BOOLEAN).length
  note(owner, 'flag', Math.ceil(flags / 8) - flags / 8)
  for (const field of fields) {
    walk.owner = childOf(owner, field.name)
    walkCell(walk, field, start + field.cell, depth)
  }
  walk.owner = owner
}

/** What a cell holds, and what its value has in the variable part beside its text. */
const CELLS: { readonly [type: number]: { readonly cell: AnatomyKind; readonly more?: AnatomyKind } } = {
  [t.UUID]: { cell: 'uuid' },
  [t.DATE]: { cell: 'date' },
  [t.TEXT]: { cell: 'length', more: 'length' },
  [t.WIDE_TEXT]: { cell: 'length', more: 'length' },
  [t.CHOICE]: { cell: 'choice' },
  [t.CHOICES]: { cell: 'length', more: 'choice' },
  [t.SMALL]: { cell: 'number', more: 'number' },
  [t.FIXED]: { cell: 'number' },
  [t.FLOAT32]: { cell: 'number' },
  [t.FLOAT64]: { cell: 'number' },
}

function walkCell(walk: Walk, field: t.TypedField, cell: number, depth: number): void {
  const { r, owner } = walk
  if (field.type === t.KEY) return
  if (field.type === t.BOOLEAN) {
    note(owner, 'flag', 1 / 8)
    return
  }
  const start = r.at
  const text = usedText(r)
  if (!skipCell(r, field, cell)) {
    note(owner, 'tag', field.size)
    walkValue(walk, depth + 1)
    return
  }
  if (r.narrowAt > r.narrowCount || r.wideAt > r.wideCount) throw damaged(r, 'a string beyond its slab')
  const { cell: kind, more = kind } = CELLS[field.type]!
  note(owner, kind, field.size)
  note(owner, more, r.at - start)
  note(owner, 'text', usedText(r) - text)
}

function walkValue(walk: Walk, depth: number): void {
  const { r, owner } = walk
  const start = r.at
  const tag = readInteger(r, 1)
  if (tag >= f.SHORT_STRINGS && tag < f.SHORT_ARRAYS) {
    note(owner, 'length', 1)
    walkElements(walk, tag - f.SHORT_STRINGS, depth)
  } else if (tag === f.TAG_ARRAY) {
    note(owner, 'tag', 1)
    walkElements(walk, noteVarint(walk, 'length'), depth)
  } else if (tag === f.TAG_SHAPED) {
    note(owner, 'tag', 1)
    walkShaped(walk, readShape(r, noteVarint(walk, 'shape')), depth)
  } else if (tag === f.TAG_OBJECT) {
    note(owner, 'tag', 1)
    walkGeneric(walk, depth)
  } else {
    r.at = start
    walkScalar(walk, tag, depth)
  }
}

function walkElements(walk: Walk, count: number, depth: number): void {
  enter(walk.r, count, depth)
  for (let i = 0; i < count; i++) walkValue(walk, depth + 1)
}

function walkScalar({ r, owner }: Walk, tag: number, depth: number): void {
  const start = r.at
  const text = usedText(r)
  skipValue(r, depth)
  const size = r.at - start
  if (tag < f.SMALL_INTEGERS) note(owner, 'number', 1)
  else if (tag < f.SHORT_STRINGS) note(owner, 'length', 1)
  else if (tag === f.TAG_NULL || tag === f.TAG_FALSE || tag === f.TAG_TRUE) note(owner, 'flag', 1)
  else {
    const lengthSize = hasLength(tag) ? readPlainVarint(r.bytes, start + 1).end - start - 1 : 0
    note(owner, 'tag', 1)
    note(owner, 'length', lengthSize)
    note(owner, SCALARS[tag] ?? 'extension', size - 1 - lengthSize)
  }
  note(owner, 'text', usedText(r) - text)
}

/** What follows the tag, and its length where it has one. */
const SCALARS: { readonly [tag: number]: AnatomyKind } = {
  [f.TAG_UINT8]: 'number',
  [f.TAG_UINT16]: 'number',
  [f.TAG_UINT32]: 'number',
  [f.TAG_UINT48]: 'number',
  [f.TAG_NEGATIVE8]: 'number',
  [f.TAG_NEGATIVE16]: 'number',
  [f.TAG_NEGATIVE32]: 'number',
  [f.TAG_NEGATIVE48]: 'number',
  [f.TAG_FLOAT32]: 'number',
  [f.TAG_FLOAT64]: 'number',
  [f.TAG_TENTHS16]: 'number',
  [f.TAG_HUNDREDTHS16]: 'number',
  [f.TAG_HUNDREDTHS32]: 'number',
  [f.TAG_BIGINT]: 'number',
  [f.TAG_NARROW8]: 'length',
  [f.TAG_NARROW]: 'length',
  [f.TAG_WIDE8]: 'length',
  [f.TAG_WIDE]: 'length',
  [f.TAG_UUID]: 'uuid',
  [f.TAG_DATE48]: 'date',
  [f.TAG_DATE64]: 'date',
  [f.TAG_BYTES]: 'bytes',
  [f.TAG_FLOAT32S]: 'bytes',
  [f.TAG_FLOAT64S]: 'bytes',
}

/** True when a varint stands between the tag and what it is the length of. */
function hasLength(tag: number): boolean {
  const sized = tag === f.TAG_BYTES || tag === f.TAG_BIGINT || tag === f.TAG_FLOAT32S || tag === f.TAG_FLOAT64S
  return sized || tag >= f.EXTENSIONS
}
