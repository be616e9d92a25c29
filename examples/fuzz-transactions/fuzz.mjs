// Fuzzes the bank: random withdrawals by random people at the same time, until they have taken more than they had.
import { collection } from 'blazedb'
import { arbitraries, checkDatabase, faultyPlatform, openOn, settle } from 'blazedb/testing'
import fc from 'fast-check'
import { withdraw, withdrawSafely } from './bank.mjs'

const SEED = Number(process.env.SEED ?? 42)
if (!Number.isSafeInteger(SEED)) throw new Error('SEED is a whole number')

/** People who act at once; each makes withdrawals one after another. The schedule says who goes next. */
const histories = fc.record({
  people: fc.array(
    fc.array(fc.record({ from: fc.constantFrom('ada', 'bob'), amount: fc.integer({ min: 1, max: 100 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
    { minLength: 1, maxLength: 3 },
  ),
  schedule: arbitraries.schedule({ maxLength: 12 }),
})

/** Runs one history on a fresh database; gives the log of what happened and the money that is left. */
async function run(withdrawal, { people, schedule }) {
  const platform = faultyPlatform({ seed: 1 })
  const db = await openOn(platform, '/bank', { collections: { accounts: collection() } })
  await db.accounts.insertMany([
    { id: 'ada', balance: 50 },
    { id: 'bob', balance: 50 },
  ])
  const log = []
  const waiting = []
  let acting = people.length
  const act = async (withdrawals, person) => {
    for (const { from, amount } of withdrawals) {
      await new Promise((go) => waiting.push(go)) // until the schedule lets this person go on
      const taken = await withdrawal(db, from, amount)
      log.push(`  person ${person + 1} takes ${amount} from ${from}: ${taken ? 'given' : 'refused'}`)
    }
    acting--
  }
  const conduct = async () => {
    for (let turn = 0; acting > 0; turn++) {
      // 0 lets everybody who waits go at once, n the nth of them alone.
      const choice = schedule[turn] ?? 0
      const going = choice === 0 ? waiting.splice(0) : waiting.splice((choice - 1) % Math.max(1, waiting.length), 1)
      for (const go of going) go()
      await platform.clock.yield()
    }
  }
  // Time is simulated, too: settle() moves the clock when everybody waits, for a transaction that tries again, say.
  await settle(platform, Promise.all([...people.map(act), conduct()]))
  const left = db.accounts.all().reduce((sum, { balance }) => sum + balance, 0)
  checkDatabase(db)
  await settle(platform, db.close())
  return { log, left }
}

/** Looks for a history after which there is less than nothing. */
async function fuzz(withdrawal) {
  return fc.check(
    fc.asyncProperty(histories, async (history) => (await run(withdrawal, history)).left >= 0),
    { seed: SEED, numRuns: 100 },
  )
}

const found = await fuzz(withdraw)
if (!found.failed) {
  console.log('no bug was found: that is one')
  process.exit(1)
}
const [history] = found.counterexample
const { log, left } = await run(withdraw, history)
console.log(`withdraw() is wrong. Both accounts begin with 50; the shortest history found (seed ${SEED}):`)
console.log(log.join('\n'))
console.log(`  together they have ${left}`)

const sound = await fuzz(withdrawSafely)
console.log(`withdrawSafely(): ${sound.failed ? 'wrong, too' : `nothing found in ${sound.numRuns} histories`}`)
process.exit(sound.failed ? 1 : 0)
