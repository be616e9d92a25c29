/**
 * Many records as one piece of bytes: rows of one layout share their slabs, so that reading all their strings is one or
 * two calls into native code for CHUNK_ROWS rows, and neither layout nor sizes stand in each row.
 *
 *   batch := varint rows, chunk*
 *   chunk := varint layout, varint n, slabs, body{n}     layout as the head of a record; slabs and bodies as FORMAT.md has them
 *
 * A chunk ends where the layout changes: records of many layouts make many small chunks. One slab for a thousand rows was
 * tried, and was at times slower than none: such strings outlive a young generation.
 */
import { type BodyReader, beginSlabs, checkSlabs, damaged, readShape, readVarint } from './body-reader.ts'
import { assembleBody, type BodyWriter, beginBody, type Fields, refused, rewind } from './body-writer.ts'
import type { Shape } from './shapes.ts'
import { MAX_VARINT_SIZE, writeVarint } from './varint.ts'
import { isPlainObject, writeRecord } from './write-value.ts'

/** Rows that share slabs. */
const CHUNK_ROWS = 64
const FIRST_SIZE = 1 << 14

/** Bytes that grow at their end. */
interface Output {
  bytes: Uint8Array
  size: number
}

/** Writes a batch: a copy, the caller's own. `hint`: the shape tried first. INVALID_VALUE with a path that begins with the row. */
export function writeBatch(w: BodyWriter, records: readonly object[], hint: Shape | undefined): Uint8Array {
  const output: Output = { bytes: new Uint8Array(FIRST_SIZE), size: 0 }
  output.size = writeVarint(output.bytes, 0, records.length)
  let shape = hint
  let layout: Shape | undefined
  let rows = 0
  beginBody(w, '')
  for (let i = 0; i < records.length; i++) {
    const record = records[i]!
    w.row = i
    const { bodyEnd, narrowEnd, wideEnd } = w
    shape = writeRow(w, record, shape)
    if (rows > 0 && w.written !== layout) {
      rewind(w, bodyEnd, narrowEnd, wideEnd)
      writeChunk(w, output, layout, rows)
      shape = writeRow(w, record, shape)
      rows = 0
    }
    layout = w.written
    rows++
    // A row without bytes has a chunk of its own: readers hold the count of rows against the bytes that are left.
    if (rows === CHUNK_ROWS || w.bodyEnd === 0) {
      writeChunk(w, output, layout, rows)
      rows = 0
    }
  }
  if (rows > 0) writeChunk(w, output, layout, rows)
  return output.bytes.slice(0, output.size)
}

function writeRow(w: BodyWriter, record: unknown, hint: Shape | undefined): Shape | undefined {
  // Mostly a row has the layout of the one before: then its writer is asked at once.
  const typed = hint?.typed
  if (typed !== undefined && typed === w.written && typeof record === 'object' && record !== null) {
    const { bodyEnd, narrowEnd, wideEnd } = w
    if (isPlainObject(record) && w.generated?.ready[typed.id]?.(w, record as Fields, 0) === true) {
      w.written = typed
      return hint
    }
    rewind(w, bodyEnd, narrowEnd, wideEnd)
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record) || !isPlainObject(record))
    throw refused(w, 0, 'a record must be a plain object')
  // Plain objects have string keys; their values are looked at one by one.
  return writeRecord(w, record as Fields, hint)
}

/** Puts the rows that the writer holds at the end of the output, and empties it. */
function writeChunk(w: BodyWriter, output: Output, layout: Shape | undefined, rows: number): void {
  const { start, end } = assembleBody(w)
  const needed = output.size + end - start + 2 * MAX_VARINT_SIZE
  if (needed > output.bytes.length) {
    const larger = new Uint8Array(Math.max(needed, 2 * output.bytes.length))
    larger.set(output.bytes.subarray(0, output.size))
    output.bytes = larger
  }
  let at = writeVarint(output.bytes, output.size, layout === undefined ? 0 : layout.id + 1)
  at = writeVarint(output.bytes, at, rows)
  output.bytes.set(w.narrow.subarray(start, end), at)
  output.size = at + end - start
  beginBody(w, '')
}

/** Reads a batch; `readRow` reads one row of a layout. CODEC when the bytes cannot be read. */
export function readBatch<T>(r: BodyReader, readRow: (r: BodyReader, layout: Shape | undefined) => T): T[] {
  const total = readVarint(r)
  const records: T[] = []
  while (records.length < total) {
    const head = readVarint(r)
    const layout = head === 0 ? undefined : readShape(r, head - 1)
    const rows = readVarint(r)
    beginSlabs(r, true)
    if (rows === 0 || rows > total - records.length || (rows > 1 && rows > r.end - r.at))
      throw damaged(r, `${rows} rows`)
    for (let i = 0; i < rows; i++) records.push(readRow(r, layout))
    checkSlabs(r)
  }
  return records
}
