/**
 * The records of the benchmarks: bug reports of 14 fields, about 430 bytes as JSON, made from a seed. Strings are
 * flat, as they come from a parser; keys stand in one order; nothing is tuned to a seed.
 */
import { seededRandom } from './random.mjs'

const WORDS =
  'login page crash save button search index slow query error button dialog user session export import report table column filter sort date time zone memory leak disk network timeout retry cache stale update delete insert record field value null empty title list view mobile desktop browser keyboard mouse focus scroll zoom print email link image upload download file folder path name password token secret role group team project board card comment mention notification badge count total sum average chart axis legend color theme dark light font size layout margin after before when while during under missing wrong broken'.split(
    ' ',
  )
export const STATUSES = ['open', 'triaged', 'active', 'resolved', 'closed']
export const ASSIGNEES = 'ada barbara claude dennis edsger frances grace hedy ivan joan ken leslie'.split(' ')
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

/** Words up to a length drawn between two bounds. join() makes a flat string. */
function sentence(random, low, high) {
  const target = random.whole(low, high - 9)
  const words = []
  let length = -1
  while (length < target) {
    const word = random.pick(WORDS)
    words.push(word)
    length += word.length + 1
  }
  return words.join(' ')
}

const idBytes = Buffer.alloc(16)

function uuid(random) {
  for (let at = 0; at < 16; at += 4) idBytes.writeUInt32LE(random.bits(), at)
  idBytes[6] = (idBytes[6] & 0x0f) | 0x40
  idBytes[8] = (idBytes[8] & 0x3f) | 0x80
  const hex = idBytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
