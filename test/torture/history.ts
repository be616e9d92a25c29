/**
 * What a database must hold: the operations of a test in commit order, each with what became of it. From it follow the
 * states that may be found: any prefix of the commits that holds everything that was promised.
 *
 *   acknowledged ─┬─ 'full'     survives a power cut        unknown      COMMIT_UNKNOWN, or never heard of again
 *                 ├─ 'relaxed'  survives a killed process   (refused operations are taken out: nothing of them is there)
 *                 └─ 'none'     survives once flushed
 */
import { expect } from 'vitest'
import { isBlazeError } from '../../src/base/errors.ts'
import { checkIntegrity } from '../../src/engine/check.ts'
import { Database } from '../../src/engine/database.ts'
import type { DynamicRecord } from '../../src/query/types.ts'

/** Records by collection and id. */
export type Model = Map<string, DynamicRecord>
export type Durability = 'full' | 'relaxed' | 'none'

/** How the database went down: what each durability promises differs. */
export type Survived = 'power cut' | 'kill'

interface Operation {
  readonly apply: (model: Model) => void
  fate: 'unknown' | Durability
}

export function keyOf(collection: string, id: DynamicRecord['id']): string {
  return `${collection}/${JSON.stringify(id)}`
}

/** Thrown by an operation that finds nothing to write: what it would have changed is not there. */
export const NOTHING_TO_DO: Error = new Error('nothing to do')

/** Codes with which an operation may be refused when the machine fails: nothing of it is there. */
const REFUSED = new Set(['IO', 'DISK_FULL', 'POISONED', 'CLOSED'])

export class History {
  #base: Model = new Map()
  #operations: Operation[] = []
  #acknowledged = 0

  /** Operations that were acknowledged, from the beginning. */
  get acknowledgedCount(): number {
    return this.#acknowledged
  }

  /** Runs one operation; `apply` is what it does when it commits. False when it was refused or its fate is not known. */
  async run(
    durability: Durability,
    issue: () => Promise<unknown>,
    apply: (model: Model) => void,
    errors: unknown[],
  ): Promise<boolean> {
    const operation: Operation = { apply, fate: 'unknown' }
    this.#operations.push(operation)
    try {
      await issue()
      operation.fate = durability
      this.#acknowledged++
      return true
    } catch (error) {
      if (error === NOTHING_TO_DO) {
        this.#operations.splice(this.#operations.indexOf(operation), 1)
        return false
      }
      errors.push(error)
      if (!isBlazeError(error)) throw error
      if (error.code === 'COMMIT_UNKNOWN') return false
      expect(REFUSED, `${error.code}: ${error.message}`).toContain(error.code)
      this.#operations.splice(this.#operations.indexOf(operation), 1)
      return false
    }
  }

  /** Everything acknowledged so far is on the device: a flush, a checkpoint or a close has succeeded. */
  flushed(): void {
    for (const operation of this.#operations) if (operation.fate !== 'unknown') operation.fate = 'full'
  }

  /** What readers must see while the database is open: what was acknowledged, and nothing else. */
  visible(): Model {
    return this.#apply((operation) => operation.fate !== 'unknown')
  }

  /** Acknowledged and still not sure to survive anything. */
  get unsureCount(): number {
    return this.#operations.filter(({ fate }) => fate === 'unknown').length
  }

  /** Each state that may be found after going down, the shortest prefix first. */
  *candidates(how: Survived): Generator<Model, void, undefined> {
    const promised = this.#operations.findLastIndex(
      ({ fate }) => fate === 'full' || (how === 'kill' && fate === 'relaxed'),
    )
    const model = copyOf(this.#base)
    if (promised < 0) yield copyOf(model)
    for (const [at, { apply }] of this.#operations.entries()) {
      apply(model)
      if (at >= promised) yield copyOf(model)
    }
  }

  /** Checks that what is found is a promised prefix, and goes on from there. */
  settle(found: Model, how: Survived, where: string): void {
    const state = this.match(found, how, where)
    this.#base = state
    this.#operations = []
  }

  /** The candidate that was found; fails when there is none. */
  match(found: Model, how: Survived, where: string): Model {
    const text = canonical(found)
    let nearest: Model | undefined
    for (const candidate of this.candidates(how)) {
      if (canonical(candidate) === text) return candidate
      nearest = candidate
    }
    expect(
      difference(found, nearest!),
      `${where}: after a ${how} the state is no promised prefix of the commits`,
    ).toEqual([])
    throw new Error('unreachable: the states differ')
  }

  #apply(keep: (operation: Operation) => boolean): Model {
    const model = copyOf(this.#base)
    for (const operation of this.#operations) if (keep(operation)) operation.apply(model)
    return model
  }
}

export function copyOf(model: Model): Model {
  return new Map([...model].map(([key, record]) => [key, { ...record }]))
}

/** Text that is equal iff the models are. */
export function canonical(model: Model): string {
  const rows = [...model].map(([key, record]) => {
    const { id, ...fields } = record
    return JSON.stringify([key, id, Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))])
  })
  return rows.sort().join('\n')
}

/** Which keys differ, for a message that can be read. */
export function difference(found: Model, expected: Model): string[] {
  const lines: string[] = []
  for (const key of new Set([...found.keys(), ...expected.keys()])) {
    const [a, b] = [found.get(key), expected.get(key)].map((each) =>
      each === undefined ? 'nothing' : JSON.stringify(each).slice(0, 120),
    )
    if (canonical(only(key, found)) !== canonical(only(key, expected))) lines.push(`${key}: found ${a}, expected ${b}`)
  }
  return lines.sort()
}

function only(key: string, model: Model): Model {
  const record = model.get(key)
  return record === undefined ? new Map() : new Map([[key, record]])
}

/** All records of a database, by scans. */
export function contentOf(db: Database<never> | Database<unknown>): Model {
  const model: Model = new Map()
  const any = db as Database<unknown>
  for (const name of any.collections()) {
    for (const record of any.collection(name).all()) model.set(keyOf(name, record.id), { ...record })
  }
  return model
}

/** Every derived structure against the records. */
export function checked(db: Database<never> | Database<unknown>): void {
  checkIntegrity(Database.coreOf(db as Database<unknown>))
}
