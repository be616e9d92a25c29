/**
 * The data of the query benchmark: the bugs of bugs.mjs, each with an owner, a project and a place; 10,000 users in 20
 * teams, 100 projects; and documents with vectors, in a collection of their own. The same seed gives the same data.
 */
import { bugs } from './bugs.mjs'
import { seededRandom } from './random.mjs'
import { uuid } from './uuid.mjs'

export const USERS = 10_000
export const PROJECTS = 100
export const DOCS = 20_000
export const DIMENSIONS = 64
export const TEAMS = Array.from({ length: 20 }, (_, at) => `team ${at + 1}`)
const COUNTRIES = 'AT BE CH DE DK ES FI FR GB IE IN IT JP NL NO PL PT SE UA US'.split(' ')
export const KINDS = Array.from({ length: 10 }, (_, at) => `kind ${at}`)
/** Places lie in the middle of Europe: a circle there never crosses the antimeridian. */
const AREA = { south: 45, north: 55, west: 5, east: 15 }

/** What is drawn beside the bugs comes from seeds of its own, so that these stay those of the other benchmarks. */
const BESIDE = 2_000_000

export function queryData(count, seed) {
  const random = seededRandom(seed + BESIDE)
  const users = Array.from({ length: USERS }, (_, at) => ({
    id: uuid(random),
    name: `user ${at}`,
    team: random.pick(TEAMS),
    country: random.pick(COUNTRIES),
  }))
  const projects = Array.from({ length: PROJECTS }, (_, at) => ({ id: uuid(random), name: `project ${at}` }))
  const records = bugs(count, seed)
  for (const record of records) {
    record.ownerId = random.pick(users).id
    record.projectId = random.pick(projects).id
    record.place = place(random)
  }
  return { bugs: records, users, projects, docs: docs(seed) }
}

/** A point of the area. */
export function place(random) {
  return {
    lat: AREA.south + random.unit() * (AREA.north - AREA.south),
    lng: AREA.west + random.unit() * (AREA.east - AREA.west),
  }
}

/** Elements between -1 and 1, as float32. */
export function vector(random) {
  return Float32Array.from({ length: DIMENSIONS }, () => random.unit() * 2 - 1)
}

function docs(seed) {
  const random = seededRandom(seed + 2 * BESIDE)
  return Array.from({ length: DOCS }, () => ({ id: uuid(random), kind: random.pick(KINDS), embedding: vector(random) }))
}
