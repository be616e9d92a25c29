/** What the rows of one run share: records, adapters, folders. */
import { loadAdapters } from './adapters/adapters.mjs'
import { bugs } from './data/bugs.mjs'
import { scratch } from './measure/directories.mjs'

export const BATCH = 1000
/** Spare records come from seeds that lie apart from those of other uses. */
const SPARE_SEED = 1_000_000

export async function openSession(options) {
  const { adapters, missing } = await loadAdapters(options.peers)
  const folders = scratch(options.directory)
  const records = bugs(options.records, options.seed)
  let spareSeed = options.seed + SPARE_SEED
  return {
    options,
    adapters,
    missing,
    folders,
    /** Closed folders with all records in them; measure/children.mjs fills it. */
    filled: new Map(),
    records,
    /** `count` records that are in no store yet. */
    spare: (count) => bugs(count, spareSeed++),
    /** One entry per contestant for `interleaved`. */
    each: (blockOf) => Object.fromEntries([...adapters.values()].map((adapter) => [adapter.name, blockOf(adapter)])),
    close: () => folders.close(),
  }
}

export async function loadAll(store, records) {
  for (let at = 0; at < records.length; at += BATCH) await store.insertBatch(records.slice(at, at + BATCH))
}
