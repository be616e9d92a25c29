/** Writes, transactions and queries of a model of plain records. */
import fc from 'fast-check'
import { isBlazeError } from '../../base/errors.ts'
import type { DynamicInsert } from '../../engine/collection-spec.ts'
import type { Database } from '../../engine/database.ts'
import { assertKnown } from '../../engine/known-options.ts'
import type { Snapshot } from '../../engine/transaction-handle.ts'
import type { DynamicRecord } from '../../query/types.ts'
import { everydayShape } from '../arbitraries/everyday-shape.ts'
import type { PlainRecord } from '../arbitraries/plain-record.ts'
import { id as anyId } from '../arbitraries/scalars.ts'
import { assertPlan, type CollectionPlan, schedule, transaction } from '../arbitraries/transaction.ts'
import { type Fields, type WherePlan, where, whereOf } from '../arbitraries/where.ts'
import { given, refused } from '../arguments.ts'
import { copyRecords, differences, type RecordsModel, recordsModel, recordsOf, shown } from '../records-model.ts'
import { modelStep, type Step, type StepKind, takeStep } from '../steps.ts'
import { runAtOnce, serialOrder } from './at-once.ts'
import { type ModelCommand, modelCommand } from './model-command.ts'
import type { ModelKind, ModelRun } from './model-run.ts'

/** A model of plain records, for `runModel({ ...plainRecords, … })`. */
export const plainRecords: ModelKind<RecordsModel> = {
  model: recordsModel,
  copy: copyRecords,
  agrees(read: Database<unknown> | Snapshot, model: RecordsModel) {
    const lines = differences(read, model)
    if (lines.length > 0) throw new Error(`the database and the model differ:\n${lines.join('\n')}`)
  },
}

export interface RecordCommandOptions {
  /** Of this collection; `items` by default. */
  readonly collection?: string
  readonly plan?: CollectionPlan
}

/** The commands of a model of plain records, by name. */
export type RecordCommands = Readonly<
  Record<
    'write' | 'later' | 'upsertMany' | 'deleteMany' | 'transaction' | 'atOnce' | 'query',
    ModelCommand<RecordsModel>
  >
>

const WRITES: readonly StepKind[] = ['upsert', 'insert', 'update', 'replace', 'delete']
/** Every order of what runs at once is looked through: 4 have 24. */
const MOST_AT_ONCE = 3

/**
 * write (one record), later (the same, not waited for), upsertMany, deleteMany, transaction (several steps), atOnce
 * (transactions that interleave, and must have an order in which they explain each other), query.
 */
export function recordCommands(options: RecordCommandOptions = {}): RecordCommands {
  assertKnown('recordCommands()', options, ['collection', 'plan'])
  const collection = options.collection ?? 'items'
  const plan = options.plan ?? {}
  if (typeof collection !== 'string') throw refused('collection', `collection is a name, found ${given(collection)}`)
  assertPlan(plan)
  const { id, ...everyday } = everydayShape(plan.ids ?? anyId({ count: 12 }))
  const fields: Fields = plan.fields ?? everyday
  const full: CollectionPlan = { counter: 'n', ...plan, ids: plan.ids ?? anyId({ count: 12 }), fields }
  const of = (kinds: readonly StepKind[] | undefined, maxSteps: number): fc.Arbitrary<Step[]> =>
    transaction({ collections: { [collection]: full }, ...(kinds && { kinds }), maxSteps })
  const write = of(WRITES, 1).map(([step]) => step!)
  const filters = where(fields, { maxFields: 1, maxDepth: 0 })
  return {
    write: modelCommand({
      args: write,
      weight: 6,
      run: (run, step) =>
        run.write(
          () => issueStep(run.db, step),
          (model) => modelStep(model, step),
        ),
    }),
    later: modelCommand({
      args: write,
      weight: 2,
      run: (run, step) =>
        run.start(
          () => issueStep(run.db, step),
          (model) => modelStep(model, step),
        ),
    }),
    upsertMany: modelCommand({
      args: fc.array(fc.record<PlainRecord, string>({ id: full.ids!, ...fields }), {
        minLength: 1,
        maxLength: 8,
        size: 'max',
      }),
      run: (run, records) =>
        run.write(
          async () => void (await run.db.collection(collection).upsertMany(records as DynamicInsert[])),
          (model) => {
            for (const record of records) modelStep(model, { do: 'upsert', collection, record })
            return undefined
          },
        ),
    }),
    deleteMany: modelCommand({
      args: filters,
      run: (run, filter) =>
        run.write(
          async () => String(await run.db.collection(collection).deleteMany(whereOf(filter))),
          (model) => deleteFrom(model, collection, filter),
        ),
    }),
    transaction: modelCommand({
      args: of(undefined, 5),
      weight: 3,
      run: (run, steps) =>
        run.write(
          () => run.db.transaction((tx) => steps.map((step) => takeStep(tx, step)).join('\n')),
          (model) => steps.map((step) => modelStep(model, step)).join('\n'),
        ),
    }),
    atOnce: modelCommand({
      args: fc.record({
        transactions: fc.array(of(undefined, 4), { minLength: 2, maxLength: MOST_AT_ONCE, size: 'max' }),
        schedule: schedule({ maxLength: 20 }),
      }),
      weight: 2,
      run: (run, { transactions, schedule: choices }) => atOnce(run, transactions, choices),
    }),
    query: modelCommand({
      args: where(fields),
      weight: 3,
      run: (run, filter) => compareQuery(run, collection, filter),
    }),
  }
}

/** A step outside of a transaction, as one call. */
async function issueStep(db: Database<unknown>, step: Step): Promise<string> {
  const records = db.collection(step.collection)
  try {
    switch (step.do) {
      case 'insert':
      case 'replace':
      case 'upsert':
        return shown({ ...(await records[step.do](step.record as DynamicInsert)) })
      case 'update':
        return shown({ ...(await records.update(step.id, step.patch as Partial<DynamicRecord>)) })
      case 'delete':
        return String(await records.delete(step.id))
      default:
        return await db.transaction((tx) => takeStep(tx, step))
    }
  } catch (error) {
    for (const code of ['NOT_FOUND', 'DUPLICATE_ID', 'UNIQUE'] as const) if (isBlazeError(error, code)) return code
    throw error
  }
}

function deleteFrom(model: RecordsModel, collection: string, filter: WherePlan): string {
  const found = idsWhere(model, collection, filter)
  const records = recordsOf(model, collection)
  for (const id of found) records.delete(id)
  return String(found.length)
}

function idsWhere(model: RecordsModel, collection: string, filter: WherePlan): (string | number)[] {
  const rows = JSON.parse(modelStep(model, { do: 'find', collection, where: filter })) as unknown[]
  const ids = new Set(rows.map((row) => shown((row as PlainRecord)['id'])))
  return [...recordsOf(model, collection).keys()].filter((id) => ids.has(shown(id)))
}

async function compareQuery(run: ModelRun<RecordsModel>, collection: string, filter: WherePlan): Promise<void> {
  await run.idle()
  const expected = idsWhere(run.model, collection, filter)
    .map((id) => shown(id))
    .sort()
  const query = run.db.collection(collection).where(whereOf(filter))
  const found = query
    .all()
    .map(({ id }) => shown(id))
    .sort()
  const count = query.count()
  if (shown(found) !== shown(expected) || count !== expected.length) {
    throw new Error(
      `the query gives ${count} records, ${found.join(' ')}, the model ${expected.join(' ')}; ${query.explain().text}`,
    )
  }
}

async function atOnce(
  run: ModelRun<RecordsModel>,
  transactions: readonly (readonly Step[])[],
  choices: readonly number[],
): Promise<void> {
  await run.idle()
  const committed = await runAtOnce(run, transactions, choices)
  const order = serialOrder(run.model, committed, (model) => differences(run.db, model).length === 0)
  await run.write(
    async () => undefined,
    (model) => {
      for (const { steps } of order) for (const step of steps) modelStep(model, step)
      return undefined
    },
  )
  // Several orders may explain what was read, and one is that of the log: a crash must not have to guess which.
  await run.flushed(() => run.db.flush())
}
