/** Writes single values: each in the shortest of its forms, so that equal values have equal bytes. */

import { parseUuid, UUID_LENGTH, UUID_SIZE } from '../base/uuid.ts'
import { type BodyWriter, grown, refused, reserveBody, VALUE_RESERVE } from './body-writer.ts'
import * as f from './format.ts'
import { WIDE_UNIT, writeNarrow, writeWide, writeWideSlowly } from './text.ts'
import { writeVarint } from './varint.ts'

/** Up to here a loop over the units beats a call into native code. */
export const LOOP_UNITS = 40

/** Writes any float64. */
export function writeNumber(w: BodyWriter, value: number): void {
  const { body } = w
  if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
    if (value >= 0 && value < f.SMALL_INTEGERS) body[w.bodyEnd++] = value
    else if (value >= 0 && value < f.UINT8_END) {
      body[w.bodyEnd++] = f.TAG_UINT8
      body[w.bodyEnd++] = value - f.SMALL_INTEGERS
    } else writeInteger32(w, value)
    return
  }
  if (Number.isInteger(value) && value !== 0 && value < f.LIMIT_48 && value >= -f.LIMIT_48) {
    // A negative integer is kept as -1 - value, which has as many bits.
    const magnitude = value < 0 ? -1 - value : value
    if (magnitude < f.LIMIT_32) writeInteger(w, value < 0 ? f.TAG_NEGATIVE32 : f.TAG_UINT32, magnitude, 4)
    else writeInteger(w, value < 0 ? f.TAG_NEGATIVE48 : f.TAG_UINT48, magnitude, 6)
    return
  }
  writeFraction(w, value)
}

function writeInteger32(w: BodyWriter, value: number): void {
  const magnitude = value < 0 ? -1 - value : value
  const negative = value < 0 ? f.TAG_NEGATIVE8 - f.TAG_UINT8 : 0
  if (magnitude < 0x100) writeInteger(w, f.TAG_UINT8 + negative, magnitude, 1)
  else if (magnitude < 0x10000) writeInteger(w, f.TAG_UINT16 + negative, magnitude, 2)
  else writeInteger(w, f.TAG_UINT32 + negative, magnitude, 4)
}

function writeInteger(w: BodyWriter, tag: number, magnitude: number, size: number): void {
  const { body } = w
  let at = w.bodyEnd
  body[at++] = tag
  body[at++] = magnitude
  if (size >= 2) body[at++] = magnitude >>> 8
  if (size >= 4) {
    body[at++] = magnitude >>> 16
    body[at++] = magnitude >>> 24
  }
  if (size === 6) {
    const high = Math.floor(magnitude / f.LIMIT_32)
    body[at++] = high
    body[at++] = high >>> 8
  }
  w.bodyEnd = at
}

/** Anything that is not an integer of 48 bits: the shortest form that gives back the same float64. */
function writeFraction(w: BodyWriter, value: number): void {
  const view = w.bodyView
  const at = w.bodyEnd
  const tenths = Math.round(value * 10)
  const hundredths = Math.round(value * 100)
  if (value !== 0 && tenths / 10 === value && tenths >= -0x8000 && tenths < 0x8000) {
    w.body[at] = f.TAG_TENTHS16
    view.setInt16(at + 1, tenths, true)
    w.bodyEnd = at + 3
  } else if (value !== 0 && hundredths / 100 === value && hundredths >= -0x80000000 && hundredths < 0x80000000) {
    const short = hundredths >= -0x8000 && hundredths < 0x8000
    w.body[at] = short ? f.TAG_HUNDREDTHS16 : f.TAG_HUNDREDTHS32
    if (short) view.setInt16(at + 1, hundredths, true)
    else view.setInt32(at + 1, hundredths, true)
    w.bodyEnd = at + (short ? 3 : 5)
  } else if (Number.isNaN(value)) {
    // One NaN only: equal records have equal bytes.
    w.body[at] = f.TAG_FLOAT32
    view.setUint32(at + 1, 0x7fc00000, true)
    w.bodyEnd = at + 5
  } else if (Math.fround(value) === value) {
    w.body[at] = f.TAG_FLOAT32
    view.setFloat32(at + 1, value, true)
    w.bodyEnd = at + 5
  } else {
    w.body[at] = f.TAG_FLOAT64
    view.setFloat64(at + 1, value, true)
    w.bodyEnd = at + 9
  }
}

/** Writes a string; canonical UUIDs are packed. */
export function writeString(w: BodyWriter, text: string): void {
  if (text.length === UUID_LENGTH && parseUuid(text, w.body, w.bodyEnd + 1)) {
    w.body[w.bodyEnd] = f.TAG_UUID
    w.bodyEnd += 1 + UUID_SIZE
  } else writeText(w, text)
}

/** The tag and length of a string into the body, its units into a slab. */
export function writeText(w: BodyWriter, text: string): void {
  const count = text.length
  const { narrowEnd } = w
  if (narrowEnd + count > w.narrow.length) w.narrow = grown(w.narrow, narrowEnd, narrowEnd + count)
  if (count <= LOOP_UNITS) {
    const { narrow } = w
    let all = 0
    for (let i = 0; i < count; i++) {
      const unit = text.charCodeAt(i)
      all |= unit
      narrow[narrowEnd + i] = unit
    }
    if (all > 0xff) {
      writeWideText(w, text)
      return
    }
  } else if (WIDE_UNIT.test(text)) {
    writeWideText(w, text)
    return
  } else writeNarrow(w.narrow, text, narrowEnd)
  w.narrowEnd = narrowEnd + count
  const { body } = w
  if (count < f.SHORT_STRING_UNITS) body[w.bodyEnd++] = f.SMALL_INTEGERS + count
  else if (count < f.NARROW8_END) {
    body[w.bodyEnd++] = f.TAG_NARROW8
    body[w.bodyEnd++] = count - f.SHORT_STRING_UNITS
  } else {
    body[w.bodyEnd++] = f.TAG_NARROW
    w.bodyEnd = writeVarint(body, w.bodyEnd, count)
  }
}

/** Puts the units of a string at the end of the wide slab. */
export function appendWide(w: BodyWriter, text: string): void {
  const end = w.wideEnd + 2 * text.length
  if (end > w.wide.length) w.wide = grown(w.wide, w.wideEnd, end)
  if (text.length <= LOOP_UNITS) writeWideSlowly(w.wide, text, w.wideEnd)
  else writeWide(w.wide, text, w.wideEnd)
  w.wideEnd = end
}

function writeWideText(w: BodyWriter, text: string): void {
  const count = text.length
  appendWide(w, text)
  if (count < 0x100) {
    w.body[w.bodyEnd++] = f.TAG_WIDE8
    w.body[w.bodyEnd++] = count
  } else {
    w.body[w.bodyEnd++] = f.TAG_WIDE
    w.bodyEnd = writeVarint(w.body, w.bodyEnd, count)
  }
}

/** Writes a Date, or refuses what is no valid one. */
export function writeDate(w: BodyWriter, date: Date, depth: number): void {
  const ms = dateMs(date)
  if (Number.isNaN(ms)) throw refused(w, depth, 'an invalid Date cannot be stored')
  const at = w.bodyEnd
  if (ms >= -f.LIMIT_47 && ms < f.LIMIT_47) {
    const high = Math.floor(ms / f.LIMIT_32)
    w.body[at] = f.TAG_DATE48
    w.bodyView.setUint32(at + 1, ms - high * f.LIMIT_32, true)
    w.bodyView.setInt16(at + 5, high, true)
    w.bodyEnd = at + 7
  } else {
    w.body[at] = f.TAG_DATE64
    w.bodyView.setFloat64(at + 1, ms, true)
    w.bodyEnd = at + 9
  }
}

/** NaN for an invalid date, and for what only pretends to be one: then the call throws. */
export function dateMs(date: Date): number {
  try {
    return Date.prototype.getTime.call(date)
  } catch {
    return Number.NaN
  }
}

/** Writes a bigint of any size. */
export function writeBigint(w: BodyWriter, value: bigint): void {
  const negative = value < 0n
  let digits = (negative ? -value : value).toString(16)
  if (digits.length % 2 === 1) digits = `0${digits}`
  const size = digits.length / 2
  reserveBody(w, size + VALUE_RESERVE)
  w.body[w.bodyEnd++] = f.TAG_BIGINT
  w.bodyEnd = writeVarint(w.body, w.bodyEnd, 2 * size + Number(negative))
  for (let i = 0; i < digits.length; i += 2) w.body[w.bodyEnd++] = Number.parseInt(digits.slice(i, i + 2), 16)
}

/** A count and bytes copied into the body. */
export function writeBlob(w: BodyWriter, tag: number, bytes: Uint8Array, count: number): void {
  reserveBody(w, bytes.length + VALUE_RESERVE)
  w.body[w.bodyEnd++] = tag
  w.bodyEnd = writeVarint(w.body, w.bodyEnd, count)
  w.body.set(bytes, w.bodyEnd)
  w.bodyEnd += bytes.length
}
