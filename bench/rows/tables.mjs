/**
 * The queries over tables, as data: what is asked with which parameters, and what of the result all peers must agree on.
 *
 *   { id, title, parameters(random, data), answer(result), ordered?, modes, goals? }
 *
 * Modes: `warm`; `updated`, one update of a bug's votes before each query, its time included; `cold`, the first query of
 * a process, opening not included. The goals are those of warm; a cold row has `COLD`.
 */
import { ASSIGNEES, DATES, STATUSES } from '../data/bugs.mjs'
import { KINDS, place, TEAMS, vector } from '../data/query-data.mjs'

const ALL = ['warm', 'updated', 'cold']
const WARM = ['warm']
const FAST = [
  { against: 'better-sqlite3', times: 20 },
  { against: 'duckdb', times: 1 },
]
const INDEXED = [{ against: 'better-sqlite3', times: 5 }]
export const COLD = [{ against: 'better-sqlite3', times: 2 }]

const none = () => ({})
const same = (result) => result
/** Rows of groups: counts and sums are exact, means nearly. */
const groups =
  (...names) =>
  (rows) =>
    rows.map((row) => names.map((name) => close(row[name])))
const ids = (rows) => rows.map(({ id }) => id)
/** Of whole records so much that a field decoded wrongly is seen. */
const records = (rows) => rows.map((r) => [r.id, r.votes, r.createdAt.getTime(), r.title, r.isPublic, r.tags.length])

function close(value) {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(9)) : value
}

/** A span of createdAt that holds about `count` records. */
function span(random, data, count) {
  const length = Math.floor((DATES.spanMs * count) / data.bugs.length)
  const from = DATES.fromMs + Math.floor(random.unit() * (DATES.spanMs - length))
  return { from: new Date(from), to: new Date(from + length) }
}

function votes(random, width) {
  const from = random.whole(0, 500 - width)
  return { from, to: from + width }
}

export const tables = [
  {
    id: 'filter-count',
    title: 'count, a range of votes and one status, no index fits',
    parameters: (random) => ({ status: random.pick(STATUSES), ...votes(random, 100) }),
    answer: same,
    modes: ALL,
    goals: FAST,
  },
  {
    id: 'contains',
    title: 'count, description contains a text',
    parameters: (random, data) => ({ text: random.pick(data.bugs).description.slice(10, 18) }),
    answer: same,
    modes: ALL,
    goals: FAST,
  },
  {
    id: 'filter-rows',
    title: 'full records, a narrow range of votes, no index fits (0.3 %)',
    parameters: (random) => votes(random, 1),
    answer: records,
    modes: ALL,
  },
  {
    id: 'equality',
    title: 'full records by index, one status and priority (4 %)',
    parameters: (random) => ({ status: random.pick(STATUSES), priority: random.whole(1, 5) }),
    answer: records,
    modes: WARM,
    goals: INDEXED,
  },
  {
    id: 'range',
    title: 'full records by index, 100 of createdAt',
    parameters: (random, data) => span(random, data, 100),
    answer: records,
    modes: WARM,
    goals: INDEXED,
  },
  {
    id: 'top',
    title: 'top 20 by priority desc, createdAt: full records, no index fits',
    parameters: none,
    answer: records,
    ordered: true,
    modes: ALL,
    goals: FAST,
  },
  {
    id: 'top-filtered',
    title: 'the same of about half of the rows',
    parameters: (random) => ({ votes: random.whole(240, 260) }),
    answer: records,
    ordered: true,
    modes: WARM,
    goals: FAST,
  },
  {
    id: 'group',
    title: 'group by status and priority: count, mean of votes',
    parameters: none,
    answer: groups('status', 'priority', 'n', 'votes'),
    modes: ALL,
    goals: FAST,
  },
  {
    id: 'having',
    title: 'group by assignee having a count: count, sum of votes',
    parameters: (random, data) => ({ least: Math.floor(data.bugs.length / ASSIGNEES.length) + random.whole(-50, 50) }),
    answer: groups('assignee', 'n', 'votes'),
    modes: ALL,
  },
  {
    id: 'join-count',
    title: 'join with 10,000 users, count of one team',
    parameters: (random) => ({ team: random.pick(TEAMS) }),
    answer: same,
    modes: ALL,
    goals: FAST,
  },
  {
    id: 'join-group',
    title: 'join with 10,000 users, group by team: count, sum of votes',
    parameters: none,
    answer: groups('team', 'n', 'votes'),
    modes: ALL,
    goals: FAST,
  },
  {
    id: 'join-rows',
    title: 'join with 10,000 users, 1,000 rows of three fields',
    parameters: (random, data) => span(random, data, 1000),
    answer: groups('id', 'name', 'votes'),
    modes: ALL,
  },
  {
    id: 'window',
    title: 'window: rank within each of 100 projects, the first three',
    parameters: none,
    answer: groups('id', 'r'),
    modes: ALL,
  },
  {
    id: 'distinct',
    title: 'distinct assignee, status',
    parameters: none,
    answer: groups('assignee', 'status'),
    modes: ALL,
  },
  {
    id: 'subquery',
    title: 'count, owner in a query of the users of one team',
    parameters: (random) => ({ team: random.pick(TEAMS) }),
    answer: same,
    modes: ALL,
  },
  {
    id: 'circle',
    title: 'count of places within 25 km',
    parameters: (random) => ({ ...place(random), radiusMeters: 25_000 }),
    answer: same,
    modes: ALL,
  },
  { id: 'nearest', title: 'the 10 nearest places', parameters: place, answer: ids, ordered: true, modes: ALL },
  {
    id: 'vector',
    title: '10 nearest of 20,000 vectors of 64, cosine',
    parameters: (random) => ({ to: vector(random) }),
    answer: ids,
    ordered: true,
    modes: ALL,
  },
  {
    id: 'vector-filtered',
    title: 'the same among those of one kind (10 %)',
    parameters: (random) => ({ to: vector(random), kind: random.pick(KINDS) }),
    answer: ids,
    ordered: true,
    modes: WARM,
  },
]
