/**
 * Sizes by field and by kind, exactly: the codec says of each byte which field it belongs to and what it is for
 * (`codec.anatomy`), one record at a time and as one array. The codec has seen the records before, so that definitions,
 * which are paid once, are a line of their own. In JSON a field takes its name, its value, and what stands between.
 */

/** Records that are timed: enough for a median, few enough for many rounds. */
const SAMPLE_RECORDS = 1000
/** Records that sizes are measured on: less than a second. */
const SIZED_RECORDS = 20_000

/** Fields that are timed, the most frequent ones; each is a pass over all records. */
const MAX_FIELDS = 64

/** Records from the whole length of the input, at most `count`. */
export function sampleOf(records, count = SAMPLE_RECORDS) {
  const step = Math.max(1, records.length / count)
  return Array.from({ length: Math.min(records.length, count) }, (_, at) => records[Math.floor(at * step)])
}

/** The records that sizes are measured on. */
export function sizeSampleOf(records) {
  return sampleOf(records, SIZED_RECORDS)
}

/** The fields that are timed, and how many are not: `{ fields: [[name, count]], others }`. */
export function timedFields(records) {
  const all = [...fieldCounts(records)].sort(([, a], [, b]) => b - a)
  return { fields: all.slice(0, MAX_FIELDS), others: Math.max(0, all.length - MAX_FIELDS) }
}

/** The names at the top of the records, in order of first appearance, each with how many records have it. */
function fieldCounts(records) {
  const counts = new Map()
  for (const record of records) for (const name of Object.keys(record)) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

/** The record without a field, made as the records themselves were: a copy by `...` would be a slower object. */
export function without(record, name) {
  return Object.fromEntries(Object.entries(record).filter(([other]) => other !== name))
}

/**
 * Gives `{ total, fields: [{ name, count, json, single, batch }], rest, kinds: [{ kind, single, batch }], parts: [{ path,
 * kind, single, batch }] }`, in bytes over all records, the largest first; `rest` is what belongs to no field.
 */
export function measureSizes({ Codec }, records) {
  const codec = new Codec()
  for (const record of records) codec.encode(record)
  codec.encodeArray(records)
  const singles = records.flatMap((record) => codec.anatomy(codec.encode(record)))
  const parts = merged(singles, codec.anatomyOfArray(codec.encodeArray(records)))
  const sums = (of) => ({ single: sum(of, 'single'), batch: sum(of, 'batch') })
  const total = { json: jsonBytes(records), ...sums(parts), definitions: codec.definitions().length }
  const fields = [...fieldCounts(records)].map(([name, count]) => ({
    name,
    count,
    json: records.reduce((bytes, record) => bytes + jsonBytesOf(record, name), 0),
    ...sums(parts.filter(({ path }) => path[0] === name)),
  }))
  const json = total.json - sum(fields, 'json')
  const kinds = [...new Set(parts.map(({ kind }) => kind))].map((kind) => ({
    kind,
    ...sums(parts.filter((part) => part.kind === kind)),
  }))
  return {
    total,
    fields: fields.sort(bySize),
    rest: { json, ...sums(parts.filter(({ path }) => path.length === 0)) },
    kinds: kinds.sort(bySize),
    parts: parts.sort(bySize),
  }
}

/** One part for each path and kind, with its bytes in the records one by one and in the array. */
function merged(singles, batch) {
  const parts = new Map()
  const add = (mode, { path, kind, bytes }) => {
    const key = JSON.stringify([path, kind])
    const part = parts.get(key) ?? { path, kind, single: 0, batch: 0 }
    part[mode] += bytes
    parts.set(key, part)
  }
  for (const part of singles) add('single', part)
  for (const part of batch) add('batch', part)
  return [...parts.values()]
}

const bySize = (a, b) => b.single - a.single || b.batch - a.batch
const sum = (list, key) => list.reduce((sum, entry) => sum + entry[key], 0)

export function jsonBytes(records) {
  return records.reduce((sum, record) => sum + Buffer.byteLength(JSON.stringify(record)), 0)
}

/** What the field takes of its record, a comma included. */
function jsonBytesOf(record, name) {
  if (!Object.hasOwn(record, name)) return 0
  return Buffer.byteLength(JSON.stringify({ [name]: record[name] })) - 1
}
