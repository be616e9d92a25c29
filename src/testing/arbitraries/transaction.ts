/** Transactions, schedules and whole histories, as data. */
import fc from 'fast-check'
import type { RecordId } from '../../base/ids.ts'
import { assertKnown } from '../../engine/known-options.ts'
import { assertArbitraries, assertArbitrary, assertOptions, given, refused } from '../arguments.ts'
import type { Step, StepKind } from '../steps.ts'
import { everydayShape } from './everyday-shape.ts'
import type { PlainRecord } from './plain-record.ts'
import { id as anyId } from './scalars.ts'
import { type Fields, where } from './where.ts'

/** What the steps on one collection are made of. */
export interface CollectionPlan {
  /** Few, so that transactions meet; six by default. */
  readonly ids?: fc.Arbitrary<RecordId>
  /** The fields beside the id; a few of everyday kinds by default. */
  readonly fields?: Fields
  /** A field of numbers to add to; none by default where fields are given, else `n`. */
  readonly counter?: string
}

export interface TransactionOptions {
  /** By name; one collection `items` by default. */
  readonly collections?: { readonly [name: string]: CollectionPlan }
  /** The kinds of steps; all by default. */
  readonly kinds?: readonly StepKind[]
  /** 4 by default. */
  readonly maxSteps?: number
}

const KINDS: readonly StepKind[] = ['get', 'find', 'add', 'update', 'upsert', 'insert', 'replace', 'delete']

const CHECKS = {
  collections(argument: string, value: unknown): void {
    if (typeof value !== 'object' || value === null) {
      throw refused(argument, `collections is an object of plans by name, found ${given(value)}`)
    }
    for (const plan of Object.values(value)) assertPlan(plan)
  },
  kinds(argument: string, value: unknown): void {
    const unknown = Array.isArray(value) ? value.find((kind) => !KINDS.includes(kind)) : value
    if (unknown !== undefined)
      throw refused(argument, `kinds is an array of ${KINDS.join(', ')}, found ${given(unknown)}`)
  },
  maxSteps: 1,
} as const

/** Refuses what is no plan of a collection. */
export function assertPlan(plan: CollectionPlan): void {
  assertKnown('a plan of a collection', plan, ['ids', 'fields', 'counter'])
  assertOptions(plan, { ids: assertArbitrary, fields: assertArbitraries })
}

/**
 * Lists of steps of one transaction, at least one. `takeStep(tx, step)` does them, `modelStep(model, step)` says what
 * they must give.
 * @example
 * fc.asyncProperty(arbitraries.transaction(), (steps) => db.transaction((tx) => steps.map((step) => takeStep(tx, step))))
 */
export function transaction(options: TransactionOptions = {}): fc.Arbitrary<Step[]> {
  assertKnown('arbitraries.transaction()', options, Object.keys(CHECKS))
  assertOptions(options, CHECKS)
  const plans = Object.entries(options.collections ?? { items: {} })
  const steps = plans.flatMap(([name, plan]) => stepsOn(name, plan, options.kinds ?? KINDS))
  if (steps.length === 0) {
    throw refused('kinds', 'a transaction needs a collection and a kind of step')
  }
  return fc.array(fc.oneof(...steps), { minLength: 1, maxLength: options.maxSteps ?? 4, size: 'max' })
}

function stepsOn(collection: string, plan: CollectionPlan, kinds: readonly StepKind[]): fc.Arbitrary<Step>[] {
  const id = plan.ids ?? anyId({ count: 6 })
  const { id: _, ...everyday } = everydayShape(id)
  const fields: Fields = plan.fields ?? everyday
  const counter = plan.counter ?? (plan.fields === undefined ? 'n' : undefined)
  const whole = fc.record<PlainRecord, string>(
    { id, ...fields },
    { requiredKeys: ['id', ...Object.keys(fields).slice(0, 1)] },
  )
  const patch = fc.record<PlainRecord, string>({ ...fields }, { requiredKeys: [] })
  return kinds.flatMap((kind) => ofKind(kind))

  function ofKind(kind: StepKind): fc.Arbitrary<Step>[] {
    switch (kind) {
      case 'get':
      case 'delete':
        return [id.map((one) => ({ do: kind, collection, id: one }))]
      case 'find':
        return [where(fields, { maxFields: 2, maxDepth: 1 }).map((one) => ({ do: kind, collection, where: one }))]
      case 'insert':
      case 'replace':
      case 'upsert':
        return [whole.map((record) => ({ do: kind, collection, record }))]
      case 'update':
        return [fc.tuple(id, patch).map(([one, changed]) => ({ do: kind, collection, id: one, patch: changed }))]
      case 'add':
        if (counter === undefined) return []
        return [
          fc
            .tuple(id, fc.integer({ min: -9, max: 9 }))
            .map(([one, amount]) => ({ do: kind, collection, id: one, field: counter, amount })),
        ]
    }
  }
}

/**
 * Choices of a scheduler: at each turn the one of those that are ready, modulo their number. Shrinks to few and to 0,
 * "the first that is ready", which is also what is chosen when the list has ended.
 */
export function schedule(
  options: { readonly maxLength?: number; readonly maxChoice?: number } = {},
): fc.Arbitrary<number[]> {
  assertKnown('arbitraries.schedule()', options, ['maxLength', 'maxChoice'])
  assertOptions(options, { maxLength: 0, maxChoice: 0 })
  return fc.array(fc.nat(options.maxChoice ?? 7), { maxLength: options.maxLength ?? 64, size: 'max' })
}

/** Several sessions at once, each a list of transactions one after the other, and the choices that interleave them. */
export interface History {
  readonly sessions: readonly (readonly (readonly Step[])[])[]
  readonly schedule: readonly number[]
}

export interface HistoryOptions extends TransactionOptions {
  /** 3 by default, at least 2. */
  readonly maxSessions?: number
  /** Of one session; 3 by default. */
  readonly maxTransactions?: number
  /** 64 by default. */
  readonly maxChoices?: number
}

const HISTORY_CHECKS = { maxSessions: 2, maxTransactions: 1, maxChoices: 0 } as const

/**
 * Whole histories. They shrink to fewer sessions, fewer and shorter transactions, and to a schedule of few switches.
 * @example
 * fc.asyncProperty(arbitraries.history({ maxSessions: 2 }), ({ sessions, schedule }) => replay(sessions, schedule))
 */
export function history(options: HistoryOptions = {}): fc.Arbitrary<History> {
  assertKnown('arbitraries.history()', options, [...Object.keys(CHECKS), ...Object.keys(HISTORY_CHECKS)])
  const { maxSessions, maxTransactions, maxChoices, ...steps } = options
  assertOptions(options, HISTORY_CHECKS)
  const one = fc.array(transaction(steps), { minLength: 1, maxLength: maxTransactions ?? 3, size: 'max' })
  return fc.record({
    sessions: fc.array(one, { minLength: 2, maxLength: maxSessions ?? 3, size: 'max' }),
    schedule: schedule({ maxLength: maxChoices ?? 64 }),
  })
}
