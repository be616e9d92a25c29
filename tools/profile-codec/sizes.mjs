/**
 * Sizes by field: the whole sample is encoded with and without the field, and the difference is what the field costs.
 * Each of the two has a codec of its own that has seen its records before, so that definitions, which are paid once, do
 * not count; they are a line of their own. What no difference accounts for is the records' heads and what fields share.
 */

/** Records that are timed: enough for a median, few enough for many rounds. */
const SAMPLE_RECORDS = 1000

/** Fields that are measured, the most frequent ones; each is a pass over all records. */
export const MAX_FIELDS = 64
/** Records times fields that sizes are measured on: some seconds, whatever the input. */
const MAX_ENCODED = 60_000

/** Records from the whole length of the input, at most `count`. */
export function sampleOf(records, count = SAMPLE_RECORDS) {
  const step = Math.max(1, records.length / count)
  return Array.from({ length: Math.min(records.length, count) }, (_, at) => records[Math.floor(at * step)])
}

/** The records that sizes are measured on. */
export function sizeSampleOf(records) {
  const fields = Math.min(MAX_FIELDS, fieldCounts(records).size)
  return sampleOf(records, Math.floor(MAX_ENCODED / Math.max(1, fields)))
}

/** The fields that are measured, and how many are not: `{ fields: [[name, count]], others }`. */
export function measuredFields(records) {
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

/** Bytes of the records, one by one and as one array, by a codec that knows them; and of the definitions. */
export function encodedSizes({ Codec }, records) {
  const codec = new Codec()
  for (const record of records) codec.encode(record)
  codec.encodeArray(records)
  return {
    single: records.reduce((sum, record) => sum + codec.encode(record).length, 0),
    batch: codec.encodeArray(records).length,
    definitions: codec.definitions().length,
  }
}

/** Gives `{ total, fields: [{ name, count, json, single, batch }], others, rest }`, in bytes over all records. */
export function measureFields(codec, records) {
  const total = { json: jsonBytes(records), ...encodedSizes(codec, records) }
  const measured = measuredFields(records)
  const fields = measured.fields.map(([name, count]) => {
    const reduced = records.map((record) => without(record, name))
    const sizes = encodedSizes(codec, reduced)
    return {
      name,
      count,
      json: total.json - jsonBytes(reduced),
      single: total.single - sizes.single,
      batch: total.batch - sizes.batch,
    }
  })
  const rest = Object.fromEntries(
    ['json', 'single', 'batch'].map((key) => [key, total[key] - fields.reduce((sum, field) => sum + field[key], 0)]),
  )
  return { total, fields, others: measured.others, rest }
}

export function jsonBytes(records) {
  return records.reduce((sum, record) => sum + Buffer.byteLength(JSON.stringify(record)), 0)
}
