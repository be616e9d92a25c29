/**
 * Generated getters: one function per typed shape and field, which finds the cell by what the record's head says and
 * reads it without looking at anything else. What is not plainly in its cell, or behind something that is not, is left to
 * locate.ts, whose answer is the same; a property test holds the two to each other.
 */
import { formatUuid } from '../base/uuid.ts'
import type { Value } from '../base/values.ts'
import * as t from './field-type.ts'
import { floatBytes, floatView } from './floats.ts'
import { at, readSource } from './generate-reader.ts'
import type { Shape, ShapeTable } from './shapes.ts'
import { readNarrow } from './text.ts'

/** Reads one field of the record in bytes[start, end). */
export type FieldReader = (bytes: Uint8Array, start: number, end: number) => Value | undefined

/** Types whose values can be read without their neighbours. */
const BY_CELL: readonly number[] = [t.BOOLEAN, t.UUID, t.DATE, t.CHOICE, t.SMALL, t.FIXED, t.FLOAT32, t.FLOAT64]
/** Types that take nothing from the narrow slab when their cell has no mark of one byte. */
const MARKED_BY_BYTE: readonly number[] = [t.CHOICE, t.CHOICES, t.SMALL]
/** Types that have nothing but their cell. */
const CELL_ONLY: readonly number[] = [t.KEY, t.BOOLEAN, t.UUID, t.FLOAT32, t.FLOAT64]

/** Makes the getter of a field; undefined when its type or what is before it does not allow one. */
export function generateFieldReader(
  shape: Shape,
  index: number,
  table: ShapeTable,
  options: { readonly datesAsNumbers: boolean; readonly other: FieldReader },
): FieldReader | undefined {
  const { layout } = shape
  const field = layout?.fields[index]
  if (layout === undefined || field === undefined) return undefined
  const second = field.type === t.SMALL ? secondByteSource(layout, index) : ''
  const read = BY_CELL.includes(field.type)
    ? `${second}${readSource(field, index, options.datesAsNumbers, 'return instead(b, start, end)')}\n  return v${index}`
    : field.type === t.TEXT
      ? textSource(layout.fields, index)
      : undefined
  if (read === undefined) return undefined
  const source = `'use strict'
const { formatUuid, floatBytes, floatView, readNarrow, instead } = help
const d${index} = help.strings
return function readField(b, start, end) {
  let h = b[start]
  let p = start + 1, q = 0
  if (h > 127) { h = h & 127 | b[p++] << 7; if (b[p - 1] > 127) return instead(b, start, end) }
  if (h !== ${shape.id + 1}) return instead(b, start, end)
  h = b[p++]
  if (h > 127) { h = h & 127 | b[p++] << 7; if (b[p - 1] > 127) return instead(b, start, end) }
  if ((h & 1) === 1) return instead(b, start, end)
  const slab = p
  const c = p + (h >>> 1), slabEnd = c
  if (!(c + ${layout.fixedSize} <= end)) return instead(b, start, end)
${read}
}`
  const help = {
    strings: field.dictionary < 0 ? undefined : table.dictionary(field.dictionary).strings,
    formatUuid,
    floatBytes,
    floatView,
    readNarrow,
    instead: options.other,
  }
  return new Function('help', source)(help) as FieldReader
}

/** The second byte of a number lies in the variable part, behind what the fields before it have there. */
function secondByteSource(layout: t.Layout, index: number): string {
  const steps: string[] = []
  for (const { type, cell } of layout.fields.slice(0, index)) {
    const marked = `${at(cell)} === ${t.ESCAPE}`
    if (type === t.CHOICES) steps.push(`if (${marked}) return instead(b, start, end); p += ${at(cell)}`)
    else if (type === t.SMALL)
      steps.push(`if (${at(cell)} >= ${t.SMALL_BYTES}) { if (${marked}) return instead(b, start, end); p++ }`)
    else if (type === t.CHOICE) steps.push(`if (${marked}) return instead(b, start, end)`)
    else if (type === t.TEXT || type === t.WIDE_TEXT)
      steps.push(`if (${at(cell)} >= ${t.LONG_TEXT}) return instead(b, start, end)`)
    else if (type === t.DATE) steps.push(dateMark(cell))
    else if (!CELL_ONLY.includes(type)) steps.push('return instead(b, start, end)')
  }
  return `if (${at(layout.fields[index]!.cell)} >= ${t.SMALL_BYTES}) {
  p = c + ${layout.fixedSize}
  ${steps.join('\n  ')}
  if (p >= end) return instead(b, start, end)
}
`
}

/** A date's escape could be anything. */
function dateMark(cell: number): string {
  return `if (${at(cell + 4)} === 0 && ${at(cell + 5)} === 128) return instead(b, start, end)`
}

/** A text begins where the lengths before it end, if everything before it is in its cell. */
function textSource(fields: readonly t.TypedField[], index: number): string | undefined {
  const checks: string[] = []
  for (const field of fields.slice(0, index)) {
    if (CELL_ONLY.includes(field.type)) continue
    if (field.type === t.TEXT)
      checks.push(`if ((h = ${at(field.cell)}) >= ${t.LONG_TEXT}) return instead(b, start, end); q += h`)
    else if (MARKED_BY_BYTE.includes(field.type))
      checks.push(`if (${at(field.cell)} === ${t.ESCAPE}) return instead(b, start, end)`)
    else if (field.type === t.DATE) checks.push(dateMark(field.cell))
    else return undefined
  }
  return `  ${checks.join('\n  ')}
  h = ${at(fields[index]!.cell)}
  if (h >= ${t.LONG_TEXT} || q + h > slabEnd - slab) return instead(b, start, end)
  return readNarrow(b, slab + q, slab + q + h)`
}
