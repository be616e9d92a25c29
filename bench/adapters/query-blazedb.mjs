/**
 * BlazeDB in the query benchmark. Each query asks for the methods it needs: one that is not there throws NotBuilt, and
 * the row says so.
 */
import { NotBuilt } from '../measure/not-built.mjs'

export { load, name } from './blazedb.mjs'

const INDEXES = ['assignee', ['status', 'priority'], 'createdAt']
const SEARCH = { title: 3, description: 1 }
const RELAXED = { durability: 'relaxed' }

export async function openStore(library, directory, { group, indexes = true }) {
  const { open, collection } = library
  let hasSearch = group === 'text'
  let bugsSpec
  try {
    bugsSpec = collection({
      ...(indexes && group === 'tables' ? { indexes: INDEXES } : {}),
      ...(hasSearch ? { search: SEARCH } : {}),
    })
  } catch (error) {
    // A library without search refuses the option.
    if (!hasSearch || error.code !== 'INVALID_ARGUMENT') throw error
    hasSearch = false
    bugsSpec = collection({})
  }
  const db = await open(directory, {
    collections: { bugs: bugsSpec, users: collection({}), projects: collection({}), docs: collection({}) },
    retain: { logBytes: 0 },
  })
  const { bugs } = db
  const search = (query) => {
    if (!hasSearch) throw new NotBuilt('search')
    return bugs.search(query).limit(20).all()
  }
  const titled = (tx, { id, title }) => tx.bugs.update(id, { title })
  return {
    insertBatch: (collectionName, records) => db[collectionName].insertMany(records),
    setVotes: ({ id, votes }) => bugs.update(id, { votes }, RELAXED),
    setTitle: ({ id, title }) => bugs.update(id, { title }, RELAXED),
    setTitles: (updates) =>
      db.transaction((tx) => {
        if (!hasSearch) throw new NotBuilt('search')
        for (const update of updates) titled(tx, update)
      }, RELAXED),
    queries: {
      ...(group === 'text' ? textQueries(search) : tableQueries(db)),
    },
    close: () => db.close(),
  }
}

function tableQueries(db) {
  const { bugs, users, docs } = db
  /** The query, if it and what it leads to have these methods. */
  const with_ = (query, ...methods) => {
    for (const method of methods) if (typeof query[method] !== 'function') throw new NotBuilt(method)
    return query
  }
  const owned = () => with_(bugs.where({}), 'join').join('owner', users, { ownerId: 'id' })
  return {
    'filter-count': ({ status, from, to }) => bugs.where({ status, votes: { gte: from, lte: to } }).count(),
    contains: ({ text }) => bugs.where({ description: { contains: text } }).count(),
    'filter-rows': ({ from, to }) => bugs.where({ isPublic: true, votes: { gte: from, lte: to } }).all(),
    equality: ({ status, priority }) => bugs.where({ status, priority }).all(),
    range: ({ from, to }) => bugs.where({ createdAt: { gte: from, lt: to } }).all(),
    top: () => bugs.where({}).orderBy('priority', 'desc').orderBy('createdAt').limit(20).all(),
    'top-filtered': ({ votes }) =>
      bugs
        .where({ votes: { lte: votes } })
        .orderBy('priority', 'desc')
        .orderBy('createdAt')
        .limit(20)
        .all(),
    group: () =>
      with_(bugs.where({}), 'groupBy')
        .groupBy(['status', 'priority'], { n: { count: true }, votes: { avg: 'votes' } })
        .all(),
    having: ({ least }) =>
      with_(bugs.where({}), 'groupBy')
        .groupBy('assignee', { n: { count: true }, votes: { sum: 'votes' } })
        .having({ n: { gte: least } })
        .all(),
    'join-count': ({ team }) => owned().where({ 'owner.team': team }).count(),
    'join-group': () =>
      owned()
        .groupBy({ team: (e) => e.field('owner.team') }, { n: { count: true }, votes: { sum: 'votes' } })
        .all(),
    'join-rows': ({ from, to }) =>
      owned()
        .where({ createdAt: { gte: from, lt: to } })
        .select({ id: 'id', name: 'owner.name', votes: 'votes' })
        .all(),
    window: () =>
      with_(bugs.where({}), 'window')
        .window({
          r: {
            rank: true,
            partitionBy: 'projectId',
            orderBy: [
              ['priority', 'desc'],
              ['createdAt', 'asc'],
            ],
          },
        })
        .rows()
        .where({ r: { lte: 3 } })
        .select('id', 'r')
        .all(),
    distinct: () => with_(bugs.where({}).select('assignee', 'status'), 'distinct').distinct().all(),
    subquery: ({ team }) => {
      with_(bugs.where({}), 'join')
      return bugs.where({ ownerId: { in: users.where({ team }).select('id') } }).count()
    },
    circle: ({ lat, lng, radiusMeters }) => bugs.where({ place: { near: { lat, lng, radiusMeters } } }).count(),
    nearest: ({ lat, lng }) => with_(bugs.where({}), 'nearest').nearest('place', { lat, lng }).limit(10).all(),
    vector: ({ to }) => with_(docs.where({}), 'nearest').nearest('embedding', to, { metric: 'cosine' }).limit(10).all(),
    'vector-filtered': ({ to, kind }) =>
      with_(docs.where({ kind }), 'nearest').nearest('embedding', to, { metric: 'cosine' }).limit(10).all(),
  }
}

function textQueries(search) {
  return {
    or: ({ words }) => search({ any: words }),
    and: ({ words }) => search({ all: words }),
    phrase: ({ words }) => search({ phrase: words.join(' ') }),
    prefix: ({ prefix }) => search({ prefix }),
    fuzzy: ({ typo }) => search(`${typo}~`),
  }
}
