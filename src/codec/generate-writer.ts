/**
 * Generated writers: what interpretTyped of write-value.ts does for one typed shape, with each field's name, cell and type
 * spelt out. A property test holds the two to equal bytes.
 *
 *  - `write` works like the interpreter: into the buffers of a writer, any value anywhere.
 *  - `writeDirect` puts the whole record into its place at once (the slabs' sizes are known from the strings' lengths
 *    before anything is written) and gives up, with -1, when a value does not fit its cell or there is no room.
 *
 * Names are compared by for-in: it sees what Object.keys does on the objects that are taken here, and makes no array.
 *
 * What enters the source is names as JSON literals and numbers, nothing else.
 */
import { parseUuid } from '../base/uuid.ts'
import {
  type BodyWriter,
  type Fields,
  grown,
  reserveBody,
  type ShapeWriter,
  VALUE_RESERVE,
  type WriterSource,
} from './body-writer.ts'
import * as t from './field-type.ts'
import { floatBytes, floatView } from './floats.ts'
import { LIMIT_32, LIMIT_47, MAX_SHAPES } from './format.ts'
import type { Shape, ShapeTable } from './shapes.ts'
import { WIDE_UNIT, writeNarrow, writeWide } from './text.ts'
import { varintSize, writeVarint } from './varint.ts'
import { FITS, writeCell } from './write-cell.ts'
import { writeEscaped } from './write-value.ts'

/** Writings after which a typed shape gets generated writers. */
const GENERATE_AFTER = 16
/** Up to here a loop over the units beats a call into native code. */
const LOOP_UNITS = 24

/** Writes a record whole at `at`, which has room up to `end`; gives where it ends, or -1 when it is not for this writer. */
export type DirectWriter = (object: Fields, target: Uint8Array, at: number, end: number) => number

/** The two writers of a typed shape. */
export interface GeneratedWriter {
  readonly write: ShapeWriter
  /** Undefined when a field is always tagged. */
  readonly writeDirect: DirectWriter | undefined
}

/** The generated writers of one table of shapes. */
export class GeneratedWriters implements WriterSource {
  readonly ready: (ShapeWriter | undefined)[] = []
  readonly #table: ShapeTable
  readonly #writers: (GeneratedWriter | undefined)[] = []
  readonly #uses = new Uint8Array(MAX_SHAPES)

  constructor(table: ShapeTable) {
    this.#table = table
  }

  /** The writers of a typed shape that was written often enough. */
  writerOf(shape: Shape): GeneratedWriter | undefined {
    const writer = this.#writers[shape.id]
    if (writer !== undefined) return writer
    if (++this.#uses[shape.id]! < GENERATE_AFTER || shape.layout === undefined) return undefined
    const made = generateWriter(shape, shape.layout, this.#table)
    this.#writers[shape.id] = made
    this.ready[shape.id] = made.write
    return made
  }

  writeOf(shape: Shape): ShapeWriter | undefined {
    return this.writerOf(shape)?.write
  }
}

function generateWriter(shape: Shape, layout: t.Layout, table: ShapeTable): GeneratedWriter {
  const help = {
    names: shape.names,
    numbers: layout.fields.map(({ dictionary }) => (dictionary < 0 ? undefined : table.dictionary(dictionary).numbers)),
    getTime: Date.prototype.getTime,
    floatBytes,
    floatView,
    parseUuid,
    writeNarrow,
    writeWide,
    writeVarint,
    varintSize,
    wide: WIDE_UNIT,
    /** Writes field `i` as the interpreter does. */
    other: (w: BodyWriter, i: number, cell: number, value: unknown, depth: number): void => {
      const field = layout.fields[i]!
      if (writeCell(w, field, cell, value) !== FITS) writeEscaped(w, shape, i, value, depth)
    },
    any: (w: BodyWriter, i: number, value: unknown, depth: number): void => writeEscaped(w, shape, i, value, depth),
    reserve: (w: BodyWriter, narrowSize: number): void => {
      if (w.bodyEnd + layout.flatSize + VALUE_RESERVE > w.body.length) reserveBody(w, layout.flatSize + VALUE_RESERVE)
      const needed = w.narrowEnd + narrowSize
      if (needed > w.narrow.length) w.narrow = grown(w.narrow, w.narrowEnd, needed)
    },
  }
  const constants = `const { names, numbers, getTime, floatBytes, floatView, parseUuid, writeNarrow, writeWide, writeVarint, varintSize, wide, other, any, reserve } = help
${layout.fields.map((field, i) => (field.dictionary < 0 ? '' : `const d${i} = numbers[${i}]`)).join('\n')}`
  const make = (source: string): unknown => new Function('help', `'use strict'\n${constants}\n${source}`)(help)
  return {
    // The sources below are functions of these types.
    write: make(writeSource(layout)) as ShapeWriter,
    writeDirect: layout.flat ? (make(directSource(shape, layout)) as DirectWriter) : undefined,
  }
}

/** Where a field's code puts things: both kinds of writers use the names b, c, p, n, q. */
interface Mode {
  /** What to do with a value that does not fit its cell. */
  readonly escape: (i: number, field: t.TypedField) => string
  readonly misfit: string
  /** Statements that write a wide string v of h units; its cell and size are written already. */
  readonly wideText: ((v: string) => string) | undefined
}

function open(layout: t.Layout): string {
  const { fields } = layout
  const values = fields.map((field, i) =>
    field.type === t.KEY ? '' : `  const v${i} = o[${JSON.stringify(field.name)}]`,
  )
  return `  let i = 0
  for (const name in o) { if (name !== names[i]) return fail; i++ }
  if (i !== ${fields.length}) return fail
${values.join('\n')}
  let h = 0, k = 0, m = 0`
}

/** Is a field undefined? Asked before anything is written: what stands in its stead has other names. */
function missing(layout: t.Layout): string {
  const tests = layout.fields.flatMap(({ type }, i) => (type === t.KEY ? [] : [`v${i} === undefined`]))
  return tests.length === 0 ? 'false' : tests.join(' || ')
}

function sizeOf(layout: t.Layout, type: number): string {
  const sizes = layout.fields.flatMap((field, i) =>
    field.type === type ? [`(typeof v${i} === 'string' ? v${i}.length : 0)`] : [],
  )
  return sizes.length === 0 ? '0' : sizes.join(' + ')
}

function flags(layout: t.Layout, misfit: string): string {
  const bytes: string[] = []
  layout.fields.forEach((field, i) => {
    if (field.type !== t.BOOLEAN) return
    bytes[field.cell] ??= '0'
    bytes[field.cell] += ` | (v${i} === true ? ${field.mask} : v${i} === false ? 0 : (bad = true, 0))`
  })
  if (bytes.length === 0) return ''
  return `  let bad = false\n${bytes.map((bits, i) => `  b[c + ${i}] = ${bits}`).join('\n')}\n  if (bad) return ${misfit}`
}

/** Statements that make room for all cells, what they leave to the variable part, and the texts. */
const ROOM =
  'if (w.bodyEnd + needed > w.body.length || w.narrowEnd + narrowSize > w.narrow.length) reserve(w, narrowSize)'

function writeSource(layout: t.Layout): string {
  const mode: Mode = {
    misfit: 'false',
    wideText: undefined,
    escape: (i, field) =>
      `w.bodyEnd = p; w.narrowEnd = q; ${field.type === t.ANY ? `any(w, ${i}, v${i}, depth)` : `other(w, ${i}, c + ${field.cell}, v${i}, depth)`}; ${ROOM}; b = w.body; n = w.narrow; p = w.bodyEnd; q = w.narrowEnd`,
  }
  return `return function write(w, o, depth) {
${open(layout).replaceAll('return fail', 'return false')}
  if (${missing(layout)}) return false
  const narrowSize = ${sizeOf(layout, t.TEXT)}
  const needed = ${layout.flatSize + VALUE_RESERVE}
  ${ROOM}
  const c = w.bodyEnd
  let b = w.body, n = w.narrow, p = c + ${layout.fixedSize}, q = w.narrowEnd
${flags(layout, 'false')}
${layout.fields.map((field, i) => fieldSource(field, i, mode)).join('\n')}
  w.bodyEnd = p
  w.narrowEnd = q
  return true
}`
}

function directSource(shape: Shape, layout: t.Layout): string {
  const mode: Mode = {
    misfit: '-1',
    wideText: (v) => `writeWide(b, ${v}, u); u += 2 * h`,
    escape: () => 'return -1',
  }
  const head: number[] = []
  for (let rest = shape.id + 1; rest > 0 || head.length === 0; rest >>>= 7)
    head.push((rest & 127) | (rest > 127 ? 128 : 0))
  const hasWide = layout.fields.some(({ type }) => type === t.WIDE_TEXT)
  const wideSize = sizeOf(layout, t.WIDE_TEXT)
  // With a field of wide text the second size is always there, so that the first says so.
  const sizes = hasWide
    ? `const wideSize = ${wideSize}
  if (wideSize === 0) return -1
  if (at + ${head.length + 16} + narrowSize + 2 * wideSize + ${layout.flatSize} > end) return -1
  let q = writeVarint(b, writeVarint(b, at + ${head.length}, 2 * narrowSize + 1), wideSize)
  let u = q + narrowSize
  const c = u + 2 * wideSize`
    : `if (at + ${head.length + 8} + narrowSize + ${layout.flatSize} > end) return -1
  let q = at + ${head.length}
  if (narrowSize < 64) b[q++] = 2 * narrowSize
  else if (narrowSize < 8192) { b[q++] = (2 * narrowSize & 127) | 128; b[q++] = narrowSize >>> 6 }
  else q = writeVarint(b, q, 2 * narrowSize)
  const c = q + narrowSize`
  return `return function writeDirect(o, b, at, end) {
${open(layout).replaceAll('return fail', 'return -1')}
  const n = b
  const narrowSize = ${sizeOf(layout, t.TEXT)}
  ${sizes}
${head.map((byte, i) => `  b[at + ${i}] = ${byte}`).join('\n')}
  let p = c + ${layout.fixedSize}
${flags(layout, '-1')}
${layout.fields.map((field, i) => fieldSource(field, i, mode)).join('\n')}
  return p
}`
}

const bytesOf = (cell: number, size: number, value: string): string =>
  Array.from({ length: size }, (_, i) => `b[c + ${cell + i}] = ${i === 0 ? value : `${value} >>> ${8 * i}`}`).join('; ')

/** The statements that write field `i`, whose value is v<i>. */
function fieldSource(field: t.TypedField, i: number, mode: Mode): string {
  const { cell, scale } = field
  const v = `v${i}`
  const other = `{ ${mode.escape(i, field)} }`
  const integer = scale === 1 ? `m = ${v}` : `m = Math.round(${v} * ${scale}), m / ${scale} === ${v}`
  const notMinusZero = `(m !== 0 || 1 / ${v} > 0)`
  switch (field.type) {
    case t.KEY:
    case t.BOOLEAN:
      return ''
    case t.UUID:
      return `  if (typeof ${v} !== 'string' || !parseUuid(${v}, b, c + ${cell})) return ${mode.misfit}`
    case t.DATE:
      return `  if (${v} instanceof Date && (m = getTime.call(${v})) > ${-LIMIT_47 + LIMIT_32} && m < ${LIMIT_47}) { k = m | 0; ${bytesOf(cell, 4, 'k')}; k = (m - (k >>> 0)) / 4294967296; b[c + ${cell + 4}] = k; b[c + ${cell + 5}] = k >> 8 } else ${other}`
    case t.TEXT:
      return `  if (typeof ${v} !== 'string') ${other}
  else if ((h = ${v}.length) <= ${LOOP_UNITS}) {
    m = 0
    for (let j = 0; j < h; j++) { k = ${v}.charCodeAt(j); m |= k; n[q + j] = k }
    if (m > 255) ${other} else { b[c + ${cell}] = h; q += h }
  } else if (wide.test(${v})) ${other}
  else {
    writeNarrow(n, ${v}, q)
    q += h
    if (h < ${t.LONG_TEXT}) b[c + ${cell}] = h
    else { b[c + ${cell}] = ${t.LONG_TEXT}; p = writeVarint(b, p, h) }
  }`
    case t.WIDE_TEXT:
      if (mode.wideText === undefined) return `  ${other}`
      return `  if (typeof ${v} !== 'string' || !wide.test(${v})) ${other}
  h = ${v}.length
  if (h < ${t.LONG_TEXT}) b[c + ${cell}] = h
  else { b[c + ${cell}] = ${t.LONG_TEXT}; p = writeVarint(b, p, h) }
  ${mode.wideText(v)}`
    case t.CHOICE:
      return `  if ((h = d${i}.get(${v})) !== undefined) b[c + ${cell}] = h; else ${other}`
    case t.CHOICES:
      return `  k = -1
  if (Array.isArray(${v}) && ${v}.length < ${t.ESCAPE}) {
    k = ${v}.length
    for (let j = 0; j < k; j++) { h = d${i}.get(${v}[j]); if (h === undefined) { k = -1; break } b[p + j] = h }
  }
  if (k >= 0) { b[c + ${cell}] = k; p += k } else ${other}`
    case t.SMALL: {
      const stored = field.signed ? 'm = m < 0 ? -2 * m - 1 : 2 * m' : ''
      const range = field.signed ? `m < ${t.SMALL_END / 2} && m > ${-t.SMALL_END / 2}` : `m >= 0 && m < ${t.SMALL_END}`
      return `  if (typeof ${v} === 'number' && (${integer}${scale === 1 ? ', true' : ''}) && (m | 0) === m && ${range} && ${notMinusZero}) { ${stored}; if (m < ${t.SMALL_BYTES}) b[c + ${cell}] = m; else { b[c + ${cell}] = ${t.SMALL_BYTES} + (m - ${t.SMALL_BYTES} >>> 8); b[p++] = m - ${t.SMALL_BYTES} } } else ${other}`
    }
    case t.FIXED: {
      const limit = field.size === 3 ? 2 ** 23 : field.size === 4 ? 2 ** 31 : LIMIT_47
      const whole = field.size === 6 ? 'Math.floor(m) === m' : '(m | 0) === m'
      const write =
        field.size === 6
          ? `k = m | 0; ${bytesOf(cell, 4, 'k')}; k = (m - (k >>> 0)) / 4294967296; b[c + ${cell + 4}] = k; b[c + ${cell + 5}] = k >> 8`
          : bytesOf(cell, field.size, 'm')
      return `  if (typeof ${v} === 'number' && (${integer}${scale === 1 ? ', true' : ''}) && ${whole} && m > ${-limit} && m < ${limit} && ${notMinusZero}) { ${write} } else ${other}`
    }
    case t.FLOAT32:
    case t.FLOAT64: {
      const size = field.type === t.FLOAT32 ? 4 : 8
      const fits = size === 4 ? ` || (Math.fround(${v}) !== ${v} && ${v} === ${v})` : ''
      const copies = Array.from({ length: size }, (_, j) => `b[c + ${cell + j}] = floatBytes[${j}]`).join('; ')
      return `  if (typeof ${v} !== 'number'${fits}) return ${mode.misfit}
  floatView.setFloat${8 * size}(0, ${v} === ${v} ? ${v} : NaN, true); ${copies}`
    }
    default:
      return `  ${other}`
  }
}
