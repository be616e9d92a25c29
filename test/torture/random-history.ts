/**
 * A random life of a small database, of steps that a {@link Session} takes: writes of every kind, large records and
 * transactions in parts, index and collection changes, checkpoints, cleaning, reopening. Repeatable by its random source.
 */
import { Database } from '../../src/engine/database.ts'
import type { SeededRandom } from '../../src/platform/seeded-random.ts'
import type { DynamicRecord } from '../../src/query/types.ts'
import { type History, keyOf, type Model } from './history.ts'
import { type Db, FOLDER, type Machine, openAt, turns } from './machine.ts'
import { Session } from './workload.ts'

const COLLECTIONS = ['a', 'b', 'c']
const IDS = 24
const KEYS = 9

function randomRecord(random: SeededRandom): DynamicRecord {
  const record: DynamicRecord = { id: random.below(IDS), n: random.below(KEYS), text: 'x'.repeat(random.below(60)) }
  if (random.below(3) === 0) record['tags'] = ['p', 'q', 'r'].slice(random.below(3))
  if (random.below(25) === 0) record['body'] = 'y'.repeat(20_000 + random.below(60_000))
  return record
}

/** Records of which a few fill a frame, so that a batch of them is written in parts. */
function bulky(random: SeededRandom): DynamicRecord[] {
  return Array.from({ length: 3 + random.below(30) }, () => ({
    ...randomRecord(random),
    body: 'z'.repeat(5_000 + random.below(25_000)),
  }))
}

/** One random write. */
export async function randomWrite(session: Session, random: SeededRandom): Promise<void> {
  const name = COLLECTIONS[random.below(COLLECTIONS.length)]!
  const pick = random.below(20)
  if (pick < 9) await session.put(name, randomRecord(random))
  else if (pick < 13) await session.remove(name, random.below(IDS))
  else if (pick < 15) {
    const records = Array.from({ length: 2 + random.below(8) }, () => randomRecord(random))
    await session.batch(name, records)
  } else if (pick < 16) await session.batch(name, bulky(random))
  else if (pick < 17) await deleteMany(session, name, random.below(KEYS))
  else await twoCollections(session, random)
}

function deleteMany(session: Session, name: string, n: number): Promise<boolean> {
  return session.write(
    () => session.db.collection(name).deleteMany({ n }),
    (model) => {
      for (const [key, record] of model) if (key.startsWith(`${name}/`) && record['n'] === n) model.delete(key)
    },
  )
}

function twoCollections(session: Session, random: SeededRandom): Promise<boolean> {
  const [put, id, gone] = [randomRecord(random), random.below(IDS), random.below(IDS)]
  return session.write(
    () =>
      session.db.transaction((tx) => {
        tx.collection('a').upsert(put)
        tx.collection('b').upsert({ id, n: 1, text: 'pair' })
        tx.collection('c').delete(gone)
      }),
    (model) => {
      merge(model, 'a', put)
      merge(model, 'b', { id, n: 1, text: 'pair' })
      model.delete(keyOf('c', gone))
    },
  )
}

function merge(model: Model, collection: string, record: DynamicRecord): void {
  const key = keyOf(collection, record.id)
  model.set(key, { ...model.get(key), ...record })
}

/** One step: mostly writes; now and then what goes on around them. Gives the session to go on with. */
export async function randomStep(session: Session, machine: Machine, random: SeededRandom): Promise<Session> {
  const pick = random.below(100)
  if (pick < 78) await randomWrite(session, random)
  else if (pick < 82) await session.checkpoint()
  else if (pick < 84) await session.background()
  else if (pick < 90) await clean(session)
  else if (pick < 93) await changeIndexes(session.db, random)
  else if (pick < 94) await dropCollection(session, COLLECTIONS[random.below(COLLECTIONS.length)]!)
  else return reopen(session, machine)
  return session
}

/** Cleans what is worth it, and unlinks it. */
async function clean(session: Session): Promise<void> {
  await session.background()
  await session.checkpoint()
}

export async function reopen(session: Session, machine: Machine): Promise<Session> {
  await session.db.close()
  await turns()
  return new Session(await openAt(machine.platform), session.history, machine.clock, session.errors)
}

async function changeIndexes(db: Db, random: SeededRandom): Promise<void> {
  const name = COLLECTIONS[random.below(COLLECTIONS.length)]!
  const known = db.stats().collections.find((each) => each.name === name)?.indexes ?? []
  const [field, form] = random.below(2) === 0 ? ['n', 'n'] : (['tags', { on: 'tags', each: true }] as const)
  if (known.includes(field)) await db.dropIndex(name, field)
  else await db.createIndex(name, form)
}

function dropCollection(session: Session, name: string): Promise<boolean> {
  return session.write(
    () => session.db.dropCollection(name),
    (model) => {
      for (const key of [...model.keys()]) if (key.startsWith(`${name}/`)) model.delete(key)
    },
  )
}

/** Every index of every collection, as queries see it: values and ids in its order. */
export function indexScans(db: Db): Record<string, unknown> {
  const scans: Record<string, unknown> = {}
  for (const { name, indexes } of db.stats().collections) {
    for (const index of indexes) {
      const state = Database.coreOf(db)
        .collections.get(name)
        ?.indexes.find((each) => each.spec.name === index)
      scans[`${name}.${index}`] = state?.index.count
      if (index === 'n') {
        const rows = db
          .collection(name)
          .where({ n: { gte: 0 } })
          .orderBy('n')
          .all()
        scans[`${name}.n rows`] = rows.map((row) => [row['n'], row.id])
      } else {
        for (const tag of ['p', 'q', 'r']) {
          const rows = db
            .collection(name)
            .where({ tags: { any: tag } })
            .orderBy('id')
            .all()
          scans[`${name}.tags ${tag}`] = rows.map((row) => row.id)
        }
      }
    }
  }
  return scans
}

/** A session on a fresh machine. */
export async function begin(machine: Machine, history: History): Promise<Session> {
  return new Session(await openAt(machine.platform), history, machine.clock, [])
}

export const LOG_FOLDER: string = `${FOLDER}/log`
