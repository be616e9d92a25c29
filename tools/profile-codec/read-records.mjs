/** Records of a file: NDJSON, or one JSON array. What cannot be read is an error that names the line. */
import { createReadStream } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { UsageError } from './options.mjs'

/** Bytes read to tell an array from lines: it begins with `[` after white space. */
const PEEK_BYTES = 4096

/** The first `limit` records of the file, and how many it has (of NDJSON: at least, when it was left early). */
export async function readRecords(file, limit) {
  try {
    const records = (await beginsWithArray(file)) ? await readArray(file) : await readLines(file, limit + 1)
    if (records.length === 0) throw new UsageError(`${file} has no records.`)
    return { records: records.slice(0, limit), total: records.length }
  } catch (error) {
    if (error.code === undefined) throw error
    throw new UsageError(`${file} cannot be read: ${error.message}`, { cause: error })
  }
}

async function beginsWithArray(file) {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(PEEK_BYTES), 0, PEEK_BYTES, 0)
    return withoutMark(buffer.toString('utf8', 0, bytesRead))
      .trimStart()
      .startsWith('[')
  } finally {
    await handle.close()
  }
}

async function readArray(file) {
  const list = parsed(withoutMark(await readFile(file, 'utf8')), file)
  if (!Array.isArray(list)) throw new UsageError(`${file} is no array, and no NDJSON.`)
  for (const [at, record] of list.entries()) requireObject(record, `${file}, element ${at}`)
  return list
}

async function readLines(file, limit) {
  const source = createReadStream(file, 'utf8')
  const records = []
  let number = 0
  try {
    for await (const line of createInterface({ input: source, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++
      const text = number === 1 ? withoutMark(line) : line
      if (text.trim() === '') continue
      const place = `${file}:${number}`
      records.push(requireObject(parsed(text, place), place))
      if (records.length === limit) break
    }
  } finally {
    source.destroy()
  }
  return records
}

function parsed(text, place) {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new UsageError(`${place}: ${cause.message}`, { cause })
  }
}

function requireObject(record, place) {
  if (typeof record === 'object' && record !== null && !Array.isArray(record)) return record
  const found = record === null ? 'null' : Array.isArray(record) ? 'an array' : `a ${typeof record}`
  throw new UsageError(`${place}: a record is an object, and this is ${found}.`)
}

/** Some editors put a byte order mark at the front. */
function withoutMark(text) {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}
