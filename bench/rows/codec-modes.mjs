/**
 * The four modes of a codec: encode and decode one record, encode and decode a batch.
 *
 * Each contestant is first seen to give every record back as it was; who does not is not timed. JSON hands out texts for
 * Dates and is timed all the same: it is the baseline. After decoding every field is read, by the same source for all.
 */
import { pageOf } from '../codecs/page.mjs'
import { interleaved, timed } from '../measure/interleaved.mjs'
import { ownCopy } from '../measure/own-copy.mjs'
import { firstDifference } from '../measure/round-trip.mjs'
import { median } from '../measure/statistics.mjs'
import { SUBJECT, timesBetter } from '../measure/table.mjs'

export const BASELINE = 'JSON'
const REVIVED = 'JSON+dates'
const NUMBERS = 'blazedb, dates as numbers'
const CEILING = 'the same objects from ready values'
/** JSON a second time: how far two figures of the same work lie apart is what the row's ratios are worth. */
export const CONTROL = 'JSON, again (control)'
const NOISY = 1.15
/** Enough calls for the optimising compiler, also when other work delays it. */
export const WARM_UPS = 20
/**
 * Of each block, whoever runs it. A block that is longer is interrupted by other work more often, and its median with it:
 * with one pass each, a loaded machine made slow codecs up to three times as slow, and fast ones not at all.
 */
const BLOCK_US = 3000

/** `run` does all records once and gives a number that depends on every result. */
export const MODES = [
  { id: 'encode', title: 'encode one', run: encodeEach },
  { id: 'decode', title: 'decode one', run: decodeEach },
  { id: 'encode-batch', title: 'encode batch', run: encodeBatch },
  { id: 'decode-batch', title: 'decode batch', run: decodeBatch },
]

/** Of the bugs; elsewhere the goal is to be ahead of every peer. 85 % of the ceiling's speed is 1.176 times its time. */
const GOALS = {
  encode: (best) => [
    { against: BASELINE, times: 10 },
    { against: best, times: 2.5 },
  ],
  decode: (best) => [
    { against: BASELINE, times: 5 },
    { against: REVIVED, times: 8 },
    { against: best, times: 2.5 },
  ],
  'encode-batch': (best) => [
    { against: BASELINE, times: 10 },
    { against: best, times: 2 },
  ],
  'decode-batch': () => [
    { against: BASELINE, times: 5 },
    { against: CEILING, within: 1.176 },
    { of: NUMBERS, against: REVIVED, times: 8 },
  ],
}

export async function modes(session, dataSet) {
  const { options } = session
  const bySeed = []
  let entered
  for (let seed = options.seed; seed < options.seed + options.seeds; seed++) {
    const records = dataSet.make(options.records, seed)
    entered = enter(session, dataSet, records)
    const figures = {}
    for (const mode of MODES) {
      figures[mode.id] = await measure(mode, entered.contestants, { dataSet, records, seed, options })
    }
    bySeed.push(figures)
  }
  return MODES.map((mode) =>
    rowOf(mode, { session, dataSet, entered, seeds: bySeed.map((figures) => figures[mode.id]) }),
  )
}

/** Who takes part, with a codec opened and checked; and who does not, and why. */
export function enter(session, dataSet, records) {
  const contestants = []
  const absent = Object.fromEntries(session.missing.map((peer) => [peer, 'not installed']))
  let note
  for (const contestant of session.contestants) {
    const format = contestant.open(dataSet)
    const lost = format && difference(contestant, format, records)
    if (format === undefined) absent[contestant.name] = 'n/a'
    else if (lost === undefined) contestants.push({ ...contestant, format, roundTrips: true })
    else if (contestant.peer === SUBJECT) throw new Error(`${contestant.name}, ${dataSet.name}: ${lost}`)
    else if (contestant.name !== BASELINE) absent[contestant.name] = `does not round-trip: ${lost}`
    else {
      contestants.push({ ...contestant, format, roundTrips: false })
      note = `${BASELINE} does not round-trip: ${lost}`
    }
  }
  return { contestants, absent, note }
}

/** Nothing decoded is held longer than its check. */
function difference(contestant, format, records) {
  for (const record of records) {
    const lost = firstDifference(record, format.decode(Buffer.from(format.encode(record))), contestant)
    if (lost !== undefined) return lost
  }
  const batch = format.decodeBatch(Buffer.from(format.encodeBatch(records)))
  return firstDifference(records, batch, contestant, 'batch')
}

async function measure(mode, contestants, { dataSet, records, seed, options }) {
  const { rounds, quick } = options
  const blocks = {}
  const add = (name, format) => {
    const label = `${dataSet.name} ${seed} ${name} ${mode.id}`
    blocks[name] = blockOf(mode.run({ format, records, touch: dataSet.touch, label }), records)
  }
  for (const { name, modes: only, format } of contestants) {
    if (only !== undefined && !only.includes(mode.id)) continue
    add(name, format)
  }
  add(CONTROL, contestants.find(({ name }) => name === BASELINE).format)
  if (mode.id === 'decode-batch' && dataSet.build !== undefined) {
    blocks[CEILING] = blockOf(buildAll(dataSet, records, `${seed} ${CEILING}`), records)
  }
  globalThis.gc()
  return interleaved(blocks, { rounds, warmUps: quick ? 2 : WARM_UPS, collect: false })
}

let sink = 0

/** A block of `interleaved` of something that does all records and gives a number; so many passes as fill its time. */
export function blockOf(run, records) {
  let passes = 1
  let least = Number.POSITIVE_INFINITY
  return async (round) => {
    const each = await timed(passes * records.length, () => {
      for (let pass = 0; pass < passes; pass++) sink = (sink + run()) % 1_000_003
    })
    if (round < 0) {
      least = Math.min(least, each)
      passes = Math.max(1, Math.round(BLOCK_US / (least * records.length)))
    }
    return each
  }
}

function encodeEach({ format, records, label }) {
  const write = format.write ?? ((record) => format.encode(record).length)
  const loop = ownCopy((write, records) => {
    let size = 0
    for (let at = 0; at < records.length; at++) size += write(records[at])
    return size
  }, label)
  return () => loop(write, records)
}

/** From a page where the codec can, else from bytes of its own for each record. */
function decodeEach({ format, records, touch, label }) {
  const encoded = records.map((record) => Buffer.from(format.encode(record)))
  const read = ownCopy(touch, label)
  if (format.decodeAt !== undefined) {
    const { page, ends } = pageOf(encoded)
    const loop = ownCopy((decodeAt, read, page, ends) => {
      let sum = 0
      for (let at = 0, start = 0; at < ends.length; start = ends[at++]) sum += read(decodeAt(page, start, ends[at]))
      return sum
    }, label)
    return () => loop(format.decodeAt, read, page, ends)
  }
  const loop = ownCopy((decode, read, encoded) => {
    let sum = 0
    for (let at = 0; at < encoded.length; at++) sum += read(decode(encoded[at]))
    return sum
  }, label)
  return () => loop(format.decode, read, encoded)
}

function encodeBatch({ format, records }) {
  return () => format.encodeBatch(records).length
}

function decodeBatch({ format, records, touch, label }) {
  const bytes = Buffer.from(format.encodeBatch(records))
  const readAll = allReader(touch, label)
  return () => readAll(format.decodeBatch(bytes))
}

function allReader(touch, label) {
  const read = ownCopy(touch, label)
  const loop = ownCopy((read, records) => {
    let sum = 0
    for (let at = 0; at < records.length; at++) sum += read(records[at])
    return sum
  }, label)
  return (records) => loop(read, records)
}

/** What no decoder can beat that hands out these objects: their making alone. */
function buildAll({ ready, build, touch }, records, label) {
  const values = records.map(ready)
  const readAll = allReader(touch, label)
  const loop = ownCopy((build, values) => {
    const built = new Array(values.length)
    for (let at = 0; at < values.length; at++) built[at] = build(values[at])
    return built
  }, label)
  return () => readAll(loop(build, values))
}

function rowOf(mode, { session, dataSet, entered, seeds }) {
  const { options } = session
  const { counted, noisy, said } = quiet(seeds)
  const names = Object.keys(seeds[0])
  const figures = Object.fromEntries(names.map((name) => [name, median(counted.map((of) => of[name]))]))
  const best = bestPeer(figures, entered.contestants)
  const goals = dataSet.name === 'bugs' ? GOALS[mode.id](best) : [{ against: best, times: 1 }]
  const row = { id: `${dataSet.name}-${mode.id}`, better: 'lower', figures }
  const ratios = counted.map((of) => timesBetter({ ...row, figures: of }, SUBJECT, best)?.toFixed(2) ?? '–')
  const notes = [said, `blazedb against ${best}, by seed: ${ratios.join(', ')}`, entered.note]
  return {
    ...row,
    title: `${dataSet.title}: ${mode.title}, per record`,
    unit: 'µs',
    n: `${counted.length} × ${options.rounds} × ${options.records}`,
    baseline: BASELINE,
    absent: entered.absent,
    goals,
    seeds,
    noisy,
    note: notes.filter((note) => note !== undefined).join('; '),
  }
}

/**
 * The seeds that count: those whose control agreed with the baseline. Which these are does not depend on any other
 * figure. Without one all are shown, and nothing is judged by them.
 */
export function quiet(seeds) {
  const agreed = seeds.filter((of) => apart(of[BASELINE], of[CONTROL]) <= NOISY)
  const noisy = agreed.length === 0
  const worst = Math.max(...seeds.map((of) => apart(of[BASELINE], of[CONTROL]))).toFixed(2)
  const left = `the control differed by up to ${worst}×`
  if (noisy) return { counted: seeds, noisy, said: `NOISY: ${left}, in every seed: not judged` }
  const said = agreed.length < seeds.length ? `${agreed.length} of ${seeds.length} seeds count: ${left}` : undefined
  return { counted: agreed, noisy, said }
}

function apart(one, other) {
  return Math.max(one, other) / Math.min(one, other)
}

/**
 * The least figure of the codecs that give back what they were given. JSON counts where it does so; alone, without any
 * peer, it is none.
 */
export function bestPeer(figures, contestants) {
  const others = contestants.filter(({ name, peer, roundTrips }) => peer !== SUBJECT && roundTrips && name in figures)
  if (others.every(({ peer }) => peer === 'json')) return 'the best peer'
  return others.map(({ name }) => name).reduce((best, name) => (figures[name] < figures[best] ? name : best))
}
