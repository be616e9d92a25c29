/**
 * `npm run bench -- micro`: the parts alone, by tinybench: B+tree, slot table with its buckets, codec beside JSON. Each
 * measured call does 1,000 operations, so that the clock costs nothing; figures are nanoseconds per operation.
 */
import { Bench } from 'tinybench'
import { bugs } from './data/bugs.mjs'
import { seededRandom } from './data/random.mjs'

const CALLS = 1000
const ENTRIES = 100_000
const STRUCTURE = 1

export async function micro(options) {
  const bench = new Bench({ time: options.quick ? 100 : 500, warmupTime: 100 })
  const random = seededRandom(options.seed)
  await addTree(bench, random)
  await addSlots(bench, random, options.seed)
  await addCodec(bench, options.seed)
  await bench.run()
  for (const { name, result } of bench.tasks) {
    if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`, { cause: result.error })
    const p50Ns = (result.latency.p50 * 1e6) / CALLS
    console.log(`${name.padEnd(44)} ${p50Ns.toFixed(0).padStart(8)} ns   ${result.latency.samplesCount} × ${CALLS}`)
  }
}

async function memoryStore() {
  const { Budget } = await import('../dist/pages/budget.js')
  const { PageSpace, PageStore } = await import('../dist/pages/page-table.js')
  const store = new PageStore(new Budget(Number.MAX_SAFE_INTEGER), () => {
    throw new Error('nothing is evicted here')
  })
  return { store, space: () => new PageSpace(store, { structure: STRUCTURE, persistent: true }) }
}

/** Keys of one number, as an index on a numeric field has them. */
async function addTree(bench, random) {
  const { BTree } = await import('../dist/indexes/btree.js')
  const { KeyWriter } = await import('../dist/codec/key.js')
  const { space } = await memoryStore()
  const writer = new KeyWriter()
  const keys = Array.from({ length: ENTRIES }, () => {
    writer.reset()
    writer.append(random.bits())
    return writer.finish()
  })
  const tree = new BTree(space())
  keys.forEach((key, record) => {
    tree.insert(key, key.length, record)
  })
  let at = 0
  const next = () => (at = (at + 7919) % ENTRIES)
  bench.add(`btree: firstRecord, ${ENTRIES} entries`, () => {
    for (let call = 0; call < CALLS; call++) {
      const record = next()
      tree.firstRecord(keys[record], keys[record].length)
    }
  })
  bench.add('btree: delete and insert', () => {
    for (let call = 0; call < CALLS; call++) {
      const record = next()
      tree.delete(keys[record], keys[record].length, record)
      tree.insert(keys[record], keys[record].length, record)
    }
  })
  bench.add('btree: cursor, per entry', () => {
    const cursor = tree.cursor({ lower: keys[next()] }, false)
    for (let call = 0; call < CALLS; call++) cursor.next()
  })
}

async function addSlots(bench, random, seed) {
  const { Slots } = await import('../dist/mvcc/slots.js')
  const { Buckets } = await import('../dist/mvcc/buckets.js')
  const { store } = await memoryStore()
  const slots = new Slots(store, STRUCTURE)
  const buckets = new Buckets(store, STRUCTURE + 1, slots, seed)
  const keys = Array.from({ length: ENTRIES }, () => Uint32Array.from({ length: 4 }, () => random.bits()))
  for (const key of keys) {
    const slot = slots.allocate()
    slots.setKey(slot, key)
    slots.setNewest(slot, 2 ** 32, 1, true, false)
    buckets.insert(buckets.hash(key[0], key[1], key[2], key[3]), slot)
  }
  let at = 0
  bench.add(`slots: find and place, ${ENTRIES} records`, () => {
    for (let call = 0; call < CALLS; call++) {
      at = (at + 7919) % ENTRIES
      const [w0, w1, w2, w3] = [keys[at][0], keys[at][1], keys[at][2], keys[at][3]]
      slots.placeOf(buckets.find(buckets.hash(w0, w1, w2, w3), w0, w1, w2, w3, true, undefined))
    }
  })
}

async function addCodec(bench, seed) {
  const { RecordCodec } = await import('../dist/codec/record-codec.js')
  const records = bugs(CALLS, seed)
  const codec = new RecordCodec({ keyed: true })
  // encode() may give a view of its buffer.
  const encoded = records.map((record) => codec.encode(record, 'bugs').slice())
  const texts = records.map((record) => Buffer.from(JSON.stringify(record)))
  bench.add('codec: encode a bug', () => {
    for (const record of records) codec.encode(record, 'bugs')
  })
  bench.add('JSON: encode a bug', () => {
    for (const record of records) Buffer.from(JSON.stringify(record))
  })
  bench.add('codec: decode a bug', () => {
    for (let at = 0; at < CALLS; at++) codec.decode(encoded[at], 0, encoded[at].length, records[at].id)
  })
  bench.add('JSON: decode a bug, with its dates', () => {
    for (let at = 0; at < CALLS; at++) {
      const record = JSON.parse(texts[at].toString())
      record.createdAt = new Date(record.createdAt)
      record.updatedAt = new Date(record.updatedAt)
    }
  })
  bench.add('codec: one field of a bug', () => {
    for (let at = 0; at < CALLS; at++) codec.field(encoded[at], 0, encoded[at].length, ['votes'], records[at].id)
  })
}
