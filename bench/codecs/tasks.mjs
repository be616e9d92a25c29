/** Tasks of child.mjs about one codec. */
import { DATA_SETS } from '../data/data-sets.mjs'
import { loadCodec } from './codecs.mjs'

const PASSES = 5

/** Milliseconds from making the codec to the last of the first `count` records encoded, decoded and read. */
export async function coldCodec({ peer, name, dataSet: dataSetName, count, seed }) {
  const { dataSet, open } = await find(peer, name, dataSetName)
  const records = dataSet.make(count, seed)
  globalThis.gc()
  const start = performance.now()
  const format = open()
  const encoded = records.map((record) => Buffer.from(format.encode(record)))
  const sum = encoded.reduce((total, bytes) => total + dataSet.touch(format.decode(bytes)), 0)
  const ms = performance.now() - start
  return { ms, sum }
}

/** Bytes of memory per record that the decoded records, or their titles alone, hold once the encoded bytes are dropped. */
export async function keptByCodec({ peer, name, dataSet: dataSetName, count, seed, what, how }) {
  const { dataSet, open } = await find(peer, name, dataSetName)
  const records = dataSet.make(count, seed)
  const format = open()
  const decode = () => {
    const decoded = how === 'batch' ? throughBatch(format, records) : throughEach(format, records)
    return what === 'titles' ? decoded.map(({ title }) => title) : decoded
  }
  // What the codec itself keeps, code and tables, is there before.
  for (let pass = 0; pass < PASSES; pass++) decode()
  const before = used()
  const held = decode()
  const bytes = (used() - before) / held.length
  if (held.length !== count) throw new Error(`${name} has ${held.length} of ${count}`)
  return { bytes }
}

function throughEach(format, records) {
  return records.map((record) => Buffer.from(format.encode(record))).map((bytes) => format.decode(bytes))
}

function throughBatch(format, records) {
  return format.decodeBatch(Buffer.from(format.encodeBatch(records)))
}

async function find(peer, name, dataSetName) {
  const dataSet = DATA_SETS.find((each) => each.name === dataSetName)
  const { contestants } = await loadCodec(peer)
  const contestant = contestants.find((each) => each.name === name)
  return { dataSet, open: () => contestant.open(dataSet) }
}

function used() {
  for (let round = 0; round < 4; round++) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
