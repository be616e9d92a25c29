/**
 * The steps of a transaction as data, so that it can be drawn, shrunk, printed, run again, and done to a model:
 *
 *   [{ do: 'get', collection: 'accounts', id: 1 }, { do: 'add', collection: 'accounts', id: 1, field: 'n', amount: -5 }]
 *
 * {@link takeStep} does one to a transaction, {@link modelStep} to the model; what they give is the same text.
 */
import { isBlazeError } from '../base/errors.ts'
import type { RecordId } from '../base/ids.ts'
import type { StoredRecord, Value } from '../base/values.ts'
import { compareValues } from '../codec/order.ts'
import type { TransactionCollection } from '../engine/collection.ts'
import type { DynamicInsert } from '../engine/collection-spec.ts'
import { compilePredicate } from '../query/predicate.ts'
import type { DynamicRecord } from '../query/types.ts'
import { parseWhere } from '../query/where.ts'
import type { PlainRecord } from './arbitraries/plain-record.ts'
import { type WherePlan, whereOf } from './arbitraries/where.ts'
import { assertHas, given, refused } from './arguments.ts'
import { type RecordsModel, recordsOf, shown } from './records-model.ts'

/** One step of a transaction. */
export type Step =
  | { readonly do: 'get'; readonly collection: string; readonly id: RecordId }
  | { readonly do: 'find'; readonly collection: string; readonly where: WherePlan }
  | { readonly do: 'insert' | 'replace' | 'upsert'; readonly collection: string; readonly record: PlainRecord }
  | { readonly do: 'update'; readonly collection: string; readonly id: RecordId; readonly patch: PlainRecord }
  /** Reads a number, 0 where there is none, and writes it with `amount` added: what loses updates when levels are low. */
  | {
      readonly do: 'add'
      readonly collection: string
      readonly id: RecordId
      readonly field: string
      readonly amount: number
    }
  | { readonly do: 'delete'; readonly collection: string; readonly id: RecordId }

export type StepKind = Step['do']

/** What a step is done to: a transaction, or what has collections like one. */
export interface StepTarget {
  collection(name: string): TransactionCollection<DynamicRecord, DynamicInsert>
}

/** Refusals that say what is in the database; the step has left nothing. */
const REFUSALS = ['NOT_FOUND', 'DUPLICATE_ID', 'UNIQUE'] as const

/** Does a step; gives what it read or stored, or the code of its refusal, as text. Other errors are thrown. */
export function takeStep(tx: StepTarget, step: Step): string {
  assertStep(step)
  const records = tx.collection(step.collection)
  try {
    switch (step.do) {
      case 'get':
        return shownRecord(records.get(step.id))
      case 'find':
        return shownRecords(records.where(whereOf(step.where)).all())
      case 'insert':
      case 'replace':
      case 'upsert':
        return shownRecord(records[step.do](step.record as DynamicInsert))
      case 'update':
        return shownRecord(records.update(step.id, step.patch as Partial<DynamicRecord>))
      case 'add': {
        const before = records.get(step.id)?.[step.field]
        return shownRecord(records.upsert({ id: step.id, [step.field]: numberIn(before) + step.amount }))
      }
      case 'delete':
        return String(records.delete(step.id))
    }
  } catch (error) {
    const code = REFUSALS.find((each) => isBlazeError(error, each))
    if (code === undefined) throw error
    return code
  }
}

/** The same step on the model. */
export function modelStep(model: RecordsModel, step: Step): string {
  assertStep(step)
  const records = recordsOf(model, step.collection)
  const put = (record: PlainRecord): string => {
    const whole = withoutUndefined(record)
    records.set(whole['id'] as RecordId, whole)
    return shown(whole)
  }
  switch (step.do) {
    case 'get':
      return shown(records.get(step.id))
    case 'find': {
      const test = compilePredicate(parseWhere(whereOf(step.where)))
      // A record of the model has its id, which is all that the wider type asks for.
      return shownRecords([...records.values()].filter((record) => test(record as StoredRecord)) as DynamicRecord[])
    }
    case 'insert':
      return records.has(idOf(step.record)) ? 'DUPLICATE_ID' : put(step.record)
    case 'replace':
      return records.has(idOf(step.record)) ? put(step.record) : 'NOT_FOUND'
    case 'upsert':
      return put({ ...records.get(idOf(step.record)), ...withoutUndefined(step.record) })
    case 'update': {
      const before = records.get(step.id)
      return before === undefined ? 'NOT_FOUND' : put({ ...before, ...withoutUndefined(step.patch), id: step.id })
    }
    case 'add': {
      const before = records.get(step.id)
      return put({ ...before, id: step.id, [step.field]: numberIn(before?.[step.field]) + step.amount })
    }
    case 'delete':
      return String(records.delete(step.id))
  }
}

/** A step as one line of a script. */
export function shownStep(step: Step): string {
  assertStep(step)
  const { do: verb, collection, ...rest } = step
  return `${verb} ${collection} ${shown(rest as unknown as Value)}`
}

/** The least that a step is: scripts and models are written by hand, too. */
function assertStep(step: Step): void {
  assertHas('step', step, 'do', 'an object that says what to do')
  if (!Object.hasOwn(KINDS, step.do)) {
    throw refused('step', `no step does ${given(step.do)}; there are ${Object.keys(KINDS).join(', ')}`)
  }
  if (typeof step.collection !== 'string')
    throw refused('step', `a step names its collection, found ${given(step.collection)}`)
}

const KINDS: Readonly<Record<StepKind, true>> = {
  get: true,
  find: true,
  insert: true,
  replace: true,
  upsert: true,
  update: true,
  add: true,
  delete: true,
}

function idOf(record: PlainRecord): RecordId {
  // The arbitraries give every record its id.
  return record['id'] as RecordId
}

function numberIn(value: Value | undefined): number {
  return typeof value === 'number' ? value : 0
}

/** As a database stores it: a field that is undefined is dropped. */
function withoutUndefined(record: PlainRecord): PlainRecord {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}

function shownRecord(record: DynamicRecord | undefined): string {
  return shown(record === undefined ? undefined : { ...record })
}

function shownRecords(records: readonly DynamicRecord[]): string {
  return shown([...records].sort((a, b) => compareValues(a.id, b.id)).map((record) => ({ ...record })))
}
