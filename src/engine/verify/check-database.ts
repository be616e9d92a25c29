/**
 * Every structure of an open database against every other: what the verification of users and the integrity check of
 * tests share. It yields problems, and `undefined` where others may run: whoever runs it to the end in one turn sees one
 * state; whoever lets commits in between is told of nothing that they have done.
 */
import type { Core } from '../core.ts'
import { checkCollection } from './check-collection.ts'
import { checkColumns, checkText } from './check-derived.ts'
import { checkLog, type LogCounts } from './check-log.ts'
import { Pieces } from './check-pieces.ts'
import { type Check, problem } from './problem.ts'

export interface Counts extends LogCounts {
  collections: number
  records: number
  indexEntries: number
  texts: number
  pieces: number
}

export function noCounts(): Counts {
  return {
    segments: 0,
    frames: 0,
    logBytes: 0,
    commits: 0,
    entries: 0,
    collections: 0,
    records: 0,
    indexEntries: 0,
    texts: 0,
    pieces: 0,
  }
}

export interface DatabaseChecks {
  readonly counts: Counts
  readonly schema: boolean
  /** Reads the log's files also where memory has them. */
  readonly fromDisk: boolean
  /** Makes text indexes that nobody has searched. */
  readonly makeTexts: boolean
}

/** All of it. */
export function* checkDatabaseState(core: Core, checks: DatabaseChecks): Check {
  const { counts, schema, fromDisk, makeTexts } = checks
  yield* checkLog(core, counts, fromDisk)
  const { end } = core.log
  const liveBytes = new Map<number, number>()
  const pieces = new Pieces(core)
  for (const collection of [...core.byId.values()]) {
    if (collection.dropped) continue
    if (!collection.system) counts.collections++
    yield* checkCollection(core, collection, { pieces, schema, counts, liveBytes })
    yield* checkColumns(core, collection)
    yield* checkText(core, collection, { make: makeTexts, counts })
  }
  if (core.log.end === end) yield* checkLiveBytes(core, liveBytes)
  yield* pieces.checkOwned()
  counts.pieces = pieces.count
}

/** What of each segment is needed, as the cleaner believes. In one turn, with nothing written since it was added up. */
function* checkLiveBytes(core: Core, found: ReadonlyMap<number, number>): Check {
  const segments = new Set([...found.keys(), ...[...core.liveBytes.entries()].map(([segment]) => segment)])
  let total = 0
  for (const segment of segments) {
    const [bytes, counted] = [found.get(segment) ?? 0, core.liveBytes.of(segment)]
    total += bytes
    if (bytes === counted) continue
    const text = `${counted} bytes of segment ${segment} are counted as needed, the records have ${bytes}`
    yield problem('space', text, { file: `log/${segment}` })
  }
  if (total === core.liveBytes.total) return
  yield problem('space', `${core.liveBytes.total} bytes of the log are counted as needed, the records have ${total}`)
}
