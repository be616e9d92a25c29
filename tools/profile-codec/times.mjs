/**
 * Times by shape and by field. A shape is the list of names at the top of a record, in order; its records are timed by
 * themselves. A field is timed by leaving it out: all records with it and without it are encoded and decoded in every
 * round, and the difference of the medians is what it costs. (Differences within a round would carry every interruption by
 * other programs into the figure.) A field below the noise, which is how far a round typically lies from the median,
 * cannot be told from nothing. What fields cost together, such as finding the shape, is in none of them.
 */
import { measureRounds, median, touch } from './rounds.mjs'
import { sampleOf, timedFields, without } from './sizes.mjs'

/** Shapes that are timed: the most frequent ones. */
const MAX_SHAPES = 12
const MAX_SHAPE_RECORDS = 500
/** Records times fields in one round: few enough for many rounds. */
const MAX_ROUND_RECORDS = 20_000

/** Gives `{ shapes: [{ names, count, encodeNs, decodeNs }], others }`, per record; `others`: shapes that were not timed. */
export function timeShapes(library, records, budgetMs) {
  const groups = groupedByShape(records)
  const frequent = [...groups].sort(([, a], [, b]) => b.length - a.length)
  const timed = frequent.slice(0, MAX_SHAPES).map(([shape, list]) => ({
    names: JSON.parse(shape),
    count: list.length,
    ...blocksOf(library, list.slice(0, MAX_SHAPE_RECORDS)),
  }))
  const encode = measureRounds(Object.fromEntries(timed.map(({ encode }, at) => [at, encode])), budgetMs / 2)
  const decode = measureRounds(Object.fromEntries(timed.map(({ decode }, at) => [at, decode])), budgetMs / 2)
  const shapes = timed.map(({ names, count, records }, at) => ({
    names,
    count,
    encodeNs: (1e6 * median(encode[at])) / records,
    decodeNs: (1e6 * median(decode[at])) / records,
  }))
  return { shapes, others: frequent.length - shapes.length }
}

/** Gives `{ fields: [{ name, encodeNs, decodeNs }], whole: { encodeNs, decodeNs }, noise: …, others }`, per record. */
export function timeFields(library, sample, budgetMs) {
  const { fields, others } = timedFields(sample)
  const records = sampleOf(sample, Math.floor(MAX_ROUND_RECORDS / Math.max(1, fields.length)))
  const timed = fields.map(([name]) => name)
  const whole = blocksOf(library, records)
  const reduced = timed.map((name) =>
    blocksOf(
      library,
      records.map((record) => without(record, name)),
    ),
  )
  const figures = Object.fromEntries(
    ['encode', 'decode'].map((mode) => {
      const blocks = Object.fromEntries(reduced.map((blocks, at) => [at, blocks[mode]]))
      const rounds = measureRounds({ ...blocks, whole: whole[mode] }, budgetMs / 2)
      return [mode, differences(rounds, timed.length, records.length)]
    }),
  )
  const both = (pick) => ({ encodeNs: pick(figures.encode), decodeNs: pick(figures.decode) })
  return {
    fields: timed.map((name, at) => ({ name, ...both(({ fields }) => fields[at]) })),
    whole: both(({ whole }) => whole),
    noise: both(({ noise }) => noise),
    others,
  }
}

/** Nanoseconds per record. */
function differences(rounds, fieldCount, recordCount) {
  const ns = (ms) => (1e6 * ms) / recordCount
  const { whole } = rounds
  const typical = median(whole)
  return {
    fields: Array.from({ length: fieldCount }, (_, at) => ns(typical - median(rounds[at]))),
    whole: ns(typical),
    noise: ns(median(whole.map((ms) => Math.abs(ms - typical)))),
  }
}

/** A codec of its own for these records, warmed up, and the two loops over them. */
function blocksOf({ Codec }, records) {
  const codec = new Codec()
  for (const record of records) codec.encode(record)
  const encoded = records.map((record) => codec.encode(record))
  return {
    records: records.length,
    encode: () => {
      for (const record of records) codec.encode(record)
    },
    decode: () => {
      for (const bytes of encoded) touch(codec.decode(bytes))
    },
  }
}

function shapeOf(record) {
  return JSON.stringify(Object.keys(record))
}

/** Shape → its records. (Node 20 has no Map.groupBy.) */
function groupedByShape(records) {
  const groups = new Map()
  for (const record of records) {
    const shape = shapeOf(record)
    const list = groups.get(shape)
    if (list === undefined) groups.set(shape, [record])
    else list.push(record)
  }
  return groups
}
