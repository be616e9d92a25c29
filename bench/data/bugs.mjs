/**
 * The records of the benchmarks: bug reports of 14 fields, about 446 bytes as JSON, made from a seed. Strings are
 * flat, as they come from a parser; keys stand in one order; nothing is tuned to a seed.
 */
import { sentence } from './english.mjs'
import { seededRandom } from './random.mjs'
import { uuid } from './uuid.mjs'

export const STATUSES = ['open', 'triaged', 'active', 'resolved', 'closed']
export const ASSIGNEES =
  'Ada Lovelace, Alonzo Church, Barbara Liskov, Dennis Ritchie, Edsger Dijkstra, Frances Allen, Grace Hopper, Hedy Lamarr, Ivan Sutherland, Joan Clarke, Ken Thompson, Leslie Lamport'.split(
    ', ',
  )
const TAGS = 'ui api db perf security docs build test mobile web sync auth billing search infra'.split(' ')
export const DATES = { fromMs: Date.UTC(2023, 0, 1), spanMs: 2 * 365 * 86_400_000 }

/** `count` records; the same seed gives the same records. */
export function bugs(count, seed = 1) {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => bug(random))
}

function bug(random) {
  const createdMs = DATES.fromMs + Math.floor(random.unit() * DATES.spanMs)
  return {
    id: uuid(random),
    title: sentence(random, 20, 40),
    description: sentence(random, 80, 125),
    priority: random.whole(1, 5),
    status: random.pick(STATUSES),
    assignee: random.pick(ASSIGNEES),
    tags: Array.from({ length: random.whole(1, 3) }, () => random.pick(TAGS)),
    createdAt: new Date(createdMs),
    updatedAt: new Date(createdMs + Math.floor(random.unit() * 30 * 86_400_000)),
    votes: random.whole(0, 500),
    comments: random.whole(0, 60),
    estimate: random.whole(0, 80) / 2,
    blocked: random.unit() < 0.1,
    isPublic: random.unit() < 0.7,
  }
}
