/** The model runner: it finds what is planted, says it in few commands, and runs its scripts again. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { arbitraries } from '../../src/testing/arbitraries.ts'
import { serialOrder } from '../../src/testing/model/at-once.ts'
import { machineCommands } from '../../src/testing/model/machine-commands.ts'
import { modelCommand } from '../../src/testing/model/model-command.ts'
import { plainRecords, recordCommands } from '../../src/testing/model/record-commands.ts'
import { ModelFailure, type RunModelOptions, runModel } from '../../src/testing/model/run-model.ts'
import { type RecordsModel, recordsModel } from '../../src/testing/records-model.ts'
import { modelStep, type Step } from '../../src/testing/steps.ts'
import { seed } from '../support/seed.ts'

const all = { ...machineCommands(), ...recordCommands() }

/** The failure of a run; fails when there is none. */
async function failureOf<M extends object>(options: RunModelOptions<M>): Promise<ModelFailure> {
  const error: unknown = await runModel(options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof ModelFailure) return error
  throw error ?? new Error('nothing was found')
}

/** A write that is acknowledged before it is durable, whatever the database promises. */
const hasty = modelCommand<RecordsModel, number>({
  args: fc.nat(5),
  run: (run, id) =>
    run.write(
      async () => void (await run.db.collection('items').upsert({ id, hasty: true }, { durability: 'none' })),
      (model) => void modelStep(model, { do: 'upsert', collection: 'items', record: { id, hasty: true } }),
    ),
})

describe('a model run', () => {
  it('gives the same commands for the same seed, and counts them', async () => {
    const options = { ...plainRecords, seed: seed(), runs: 3, maxCommands: 20, commands: all }
    const report = await runModel(options)
    expect(await runModel(options)).toEqual(report)
    expect(report.runs).toBe(3)
    expect(report.commands).toBe([...report.counts.values()].reduce((a, b) => a + b, 0))
    expect(report.commands).toBeGreaterThan(10)
  })

  it('finds a commit that was lost in a crash, in few commands, and its script fails the same way', async () => {
    const { crash, check } = machineCommands()
    const { write } = recordCommands()
    const commands = { crash, check, write, hasty }
    const options = { ...plainRecords, seed: seed(), runs: 40, maxCommands: 10, commands }
    const failure = await failureOf(options)
    const lines = failure.script.split('\n')
    expect(lines.length).toBeLessThanOrEqual(4)
    expect(lines.some((line) => line.startsWith('hasty '))).toBe(true)
    expect(lines.some((line) => line.startsWith('crash '))).toBe(true)
    expect(failure.message).toContain('shows no prefix of the')
    expect(failure.message).toContain(`seed ${seed()}`)
    const again = await failureOf({ ...options, script: failure.script })
    expect(again.script).toBe(failure.script)
    expect(again.message.split('\n')[0]).toBe(failure.message.split('\n')[0])
  })

  it('finds a write that does something else than the model', async () => {
    const doubling = modelCommand<RecordsModel, number>({
      args: fc.nat(100),
      run: (run, n) =>
        run.write(
          async () => void (await run.db.collection('items').upsert({ id: 1, n: n > 40 ? n * 2 : n })),
          (model) => void modelStep(model, { do: 'upsert', collection: 'items', record: { id: 1, n } }),
        ),
    })
    const { hold, check } = machineCommands()
    const options = { ...plainRecords, seed: seed(), maxCommands: 10, commands: { hold, check, doubling } }
    const failure = await failureOf(options)
    expect(failure.script).toMatch(/^doubling 41(\ncheck)?$/)
    expect(failure.message).toContain('items 1: found {"id":1,"n":82}, expected {"id":1,"n":41}')
  })

  it('takes a model and commands of any kind', async () => {
    interface Bank {
      balances: Record<string, number>
    }
    const move = modelCommand<Bank, { from: string; to: string; amount: number }>({
      args: fc.record({ from: fc.constantFrom('a', 'b'), to: fc.constantFrom('a', 'b'), amount: fc.nat(9) }),
      weight: 6,
      applies: (run, { from, to }) => from !== to && run.model.balances[from] !== undefined,
      run: (run, { from, to, amount }) =>
        run.write(
          async () => {
            await run.db.transaction((tx) => {
              const accounts = tx.collection('accounts')
              const balance = (id: string): number => Number(accounts.get(id)?.['balance'] ?? 0)
              accounts.upsert({ id: from, balance: balance(from) - amount })
              accounts.upsert({ id: to, balance: balance(to) + amount })
            })
            return undefined
          },
          ({ balances }) => {
            balances[from] = (balances[from] ?? 0) - amount
            balances[to] = (balances[to] ?? 0) + amount
            return undefined
          },
        ),
    })
    const begin = modelCommand<Bank, string>({
      args: fc.constantFrom('a', 'b'),
      weight: 3,
      run: (run, id) =>
        run.write(
          async () => void (await run.db.collection('accounts').upsert({ id, balance: 0 })),
          ({ balances }) => {
            balances[id] = 0
            return undefined
          },
        ),
    })
    const report = await runModel<Bank>({
      model: () => ({ balances: {} }),
      copy: ({ balances }) => ({ balances: { ...balances } }),
      agrees: (read, { balances }) => {
        const rows = read.collection('accounts').query().all()
        expect(Object.fromEntries(rows.map((row) => [row.id, row['balance']]))).toEqual(balances)
      },
      seed: seed(),
      runs: 10,
      maxCommands: 30,
      commands: { ...machineCommands(), begin, move },
    })
    expect(report.counts.get('move')).toBeGreaterThan(5)
  })

  it('refuses what it cannot run', async () => {
    const options = { ...plainRecords, seed: 1, commands: all }
    await expect(runModel({ ...options, sede: 1 } as typeof options)).rejects.toThrow("no option 'sede'")
    await expect(runModel({ ...options, commands: {} })).rejects.toThrow('needs commands')
    await expect(runModel({ ...options, script: 'explode 1' })).rejects.toThrow('no command is called explode')
  })
})

describe('transactions at once', () => {
  const add: Step = { do: 'add', collection: 'items', id: 1, field: 'n', amount: 1 }
  const one = '{"id":1,"n":1}'
  const two = '{"id":1,"n":2}'

  it('have an order that explains what they gave', () => {
    const committed = [
      { steps: [add], results: [two] },
      { steps: [add], results: [one] },
    ]
    expect(serialOrder(recordsModel(), committed, () => true)).toEqual(committed.toReversed())
  })

  it('are refused when a lost update, or the final state, has none', () => {
    const lost = [
      { steps: [add], results: [one] },
      { steps: [add], results: [one] },
    ]
    expect(() => serialOrder(recordsModel(), lost, () => true)).toThrow('T2 add items')
    expect(() => serialOrder(recordsModel(), [{ steps: [add], results: [one] }], () => false)).toThrow('no order')
  })

  it('are drawn, and run in the orders of their schedules', async () => {
    const report = await runModel({
      ...plainRecords,
      seed: seed(),
      runs: 12,
      maxCommands: 6,
      commands: { atOnce: recordCommands({ plan: { ids: arbitraries.id({ count: 2 }) } }).atOnce },
    })
    expect(report.counts.get('atOnce')).toBeGreaterThan(8)
  })

  it('are on the disk when they have ended: a crash finds all of them, whatever the durability', async () => {
    const insert = (id: number) => ({ collection: 'items', do: 'insert', record: { id, n: 0 } })
    const transactions = [[insert(0)], [insert(1), insert(2), insert(3)], [insert(4), insert(5)]]
    const atOnce = JSON.stringify({ schedule: [], transactions })
    const crash = JSON.stringify({ call: null, mode: 'lose-unsynced', seed: 0, turns: 0 })
    const there = modelCommand<RecordsModel, null>({
      args: fc.constant(null),
      run: async ({ db }) => expect(db.collection('items').count()).toBe(6),
    })
    await runModel({
      ...plainRecords,
      seed: seed(),
      script: `atOnce ${atOnce}\ncrash ${crash}\nthere null`,
      options: { durability: 'none' },
      commands: { ...machineCommands(), ...recordCommands(), there },
    })
  })
})
