/** Sizes: single records with a table that is shared, batches that stand alone, and batches in a compressed block. */
import zlib from 'node:zlib'
import { BASELINE, bestPeer, enter } from './codec-modes.mjs'

const NO_SCHEMA = 'n/a: its bytes are nothing without the schema'
/** Passes after which a table knows what it wants to know. */
const PASSES = 3

const { brotliCompressSync, constants, deflateSync, zstdCompressSync } = zlib

/** The formats as a writer of blocks would set them: zstd is in Node from 22.15. */
const COMPRESSORS = {
  deflate: (bytes) => deflateSync(bytes),
  'brotli, quality 5': (bytes) =>
    brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
  ...(zstdCompressSync === undefined ? {} : { zstd: (bytes) => zstdCompressSync(bytes) }),
}

const SHARE = 0.37
const COMPRESSED_SHARE = 0.22

export function sizes(session, dataSet) {
  const { options } = session
  const records = dataSet.make(options.records, options.seed)
  const entered = enter({ ...session, contestants: session.contestants.filter(takesPart) }, dataSet, records)
  const row = (kind, title, measure) => {
    const figures = {}
    const absent = { ...entered.absent }
    for (const { name, open } of entered.contestants) {
      const size = measure(open(dataSet), records)
      if (size === undefined) absent[name] = NO_SCHEMA
      else figures[name] = size / records.length
    }
    const best = bestPeer(figures, entered.contestants)
    const goals = dataSet.name === 'bugs' ? [{ against: BASELINE, within: SHARE }] : [{ against: best, times: 1 }]
    return { ...common(session, dataSet, kind, title), figures, absent, goals }
  }
  return [
    row('size-known', 'each record by itself, the table known to the reader', knownSize),
    row('size-new', 'each record by itself, from an empty table, which is counted', newSize),
    row('size-batch', 'a batch that stands alone', ({ alone }) => alone?.(records).length),
    compressed(session, dataSet, records, entered.contestants),
  ]
}

/** Other ways of one codec give the same bytes. */
function takesPart({ modes }) {
  return modes === undefined
}

function common(session, dataSet, kind, title) {
  return {
    id: `${dataSet.name}-${kind}`,
    title: `${dataSet.title}: size of ${title}, per record`,
    unit: 'bytes',
    better: 'lower',
    n: session.options.records,
    baseline: BASELINE,
  }
}

function knownSize({ encode }, records) {
  let size = 0
  for (let pass = 0; pass < PASSES; pass++) size = records.reduce((sum, record) => sum + encode(record).length, 0)
  return size
}

/** Formats without names in their bytes need a table or are self-describing; a static schema is neither. */
function newSize({ encode, alone, tableSize }, records) {
  if (alone === undefined) return undefined
  const size = records.reduce((sum, record) => sum + encode(record).length, 0)
  return size + (tableSize?.() ?? 0)
}

/** Of a whole batch as one block. The goal is about the smallest. */
function compressed(session, dataSet, records, contestants) {
  const figures = {}
  for (const name of ['blazedb', BASELINE]) {
    const { format } = contestants.find((contestant) => contestant.name === name)
    const bytes = format.alone(records)
    figures[name] = bytes.length / records.length
    for (const [method, compress] of Object.entries(COMPRESSORS)) {
      figures[`${name} + ${method}`] = compress(bytes).length / records.length
    }
  }
  const [of] = Object.keys(figures)
    .filter((name) => name.startsWith('blazedb'))
    .sort((a, b) => figures[a] - figures[b])
  return {
    ...common(session, dataSet, 'size-compressed', 'a batch that stands alone, as one compressed block'),
    figures,
    ratios: false,
    goals: dataSet.name === 'bugs' ? [{ of, against: BASELINE, within: COMPRESSED_SHARE }] : [],
  }
}
