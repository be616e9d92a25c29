/** Fields read from the bytes of bugs without decoding them: a view of three, and filters on one. Peers decode. */
import { pageOf } from '../codecs/page.mjs'
import { interleaved } from '../measure/interleaved.mjs'
import { ownCopy } from '../measure/own-copy.mjs'
import { BASELINE, blockOf, CONTROL, enter, quiet, WARM_UPS } from './codec-modes.mjs'

const ROWS = [
  {
    id: 'view',
    title: 'a view reading 3 of 14 fields',
    times: 20,
    own: viewThree,
    use: (record) => {
      const at = record.createdAt
      return record.title.length + record.priority + (typeof at === 'object' ? at.getTime() : at.length)
    },
  },
  {
    id: 'filter-number',
    title: 'a filter on one field (votes > 400) on bytes',
    times: 60,
    own: (format, page, ends, label) => filtered(format, 'votes', (votes) => votes > 400, page, ends, label),
    use: (record) => (record.votes > 400 ? 1 : 0),
  },
  {
    id: 'filter-text',
    title: "a filter on one field (status = 'open') on bytes",
    times: 60,
    own: (format, page, ends, label) => filtered(format, 'status', (status) => status === 'open', page, ends, label),
    use: (record) => (record.status === 'open' ? 1 : 0),
  },
]

export async function fields(session, dataSet) {
  const { options } = session
  const records = dataSet.make(options.records, options.seed)
  const { contestants, absent } = enter(session, dataSet, records)
  const rows = []
  for (const row of ROWS) {
    const blocks = {}
    for (const { name, modes, peer, format } of contestants) {
      if (modes !== undefined) continue
      const encoded = records.map((record) => Buffer.from(format.encode(record)))
      const { page, ends } = pageOf(encoded)
      const label = `${name} ${row.id}`
      const own = peer === 'blazedb' ? row.own(format, page, ends, label) : decoded(format, row.use, encoded, label)
      blocks[name] = blockOf(own, records)
      if (name === BASELINE) blocks[CONTROL] = blockOf(decoded(format, row.use, encoded, `${label} again`), records)
    }
    globalThis.gc()
    const measured = { rounds: options.rounds, warmUps: options.quick ? 2 : WARM_UPS, collect: false }
    const figures = await interleaved(blocks, measured)
    const { noisy, said } = quiet([figures])
    rows.push({
      id: `${dataSet.name}-${row.id}`,
      title: `${dataSet.title}: ${row.title}, per record`,
      unit: 'µs',
      better: 'lower',
      n: `${options.rounds} × ${options.records}`,
      baseline: BASELINE,
      figures,
      noisy,
      note: said,
      absent,
      goals: [{ against: BASELINE, times: row.times }],
    })
  }
  return rows
}

function decoded(format, use, encoded, label) {
  const loop = ownCopy((decode, use, encoded) => {
    let sum = 0
    for (let at = 0; at < encoded.length; at++) sum += use(decode(encoded[at]))
    return sum
  }, label)
  const ownUse = ownCopy(use, label)
  return () => loop(format.decode, ownUse, encoded)
}

/** One view serves all records. */
function viewThree({ codec }, page, ends, label) {
  const view = codec.view(page, 0, ends[0])
  const loop = ownCopy((view, page, ends) => {
    let sum = 0
    for (let at = 0, start = 0; at < ends.length; start = ends[at++]) {
      view.reset(page, start, ends[at])
      sum += view.get('title').length + view.get('priority') + view.get('createdAt').getTime()
    }
    return sum
  }, label)
  return () => loop(view, page, ends)
}

function filtered({ codec }, path, test, page, ends, label) {
  // A reader of one path where this build has one.
  const read = codec.reader?.(path) ?? ((bytes, start, end) => codec.field(bytes, path, start, end))
  const loop = ownCopy((read, test, page, ends) => {
    let count = 0
    for (let at = 0, start = 0; at < ends.length; start = ends[at++]) {
      if (test(read(page, start, ends[at]))) count++
    }
    return count
  }, label)
  const ownTest = ownCopy(test, label)
  return () => loop(read, ownTest, page, ends)
}
