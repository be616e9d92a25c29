/**
 * The child that is killed: opens the database in a folder, makes the operations of a seed, a few at once, and says each
 * acknowledgement on its standard output (a pipe, which outlives it). Arguments: folder, seed.
 */
import { writeSync } from 'node:fs'
import { open } from '../../src/entry/index.ts'
import { KILL_OPTIONS, killOperations } from './kill-operations.ts'

const MAX_IN_FLIGHT = 12
const CHECKPOINT_EVERY = 150

const [folder, seedText] = process.argv.slice(2)
if (folder === undefined || seedText === undefined) throw new Error('usage: kill-child <folder> <seed>')

const db = await open(folder, KILL_OPTIONS)
const next = killOperations(Number(seedText))
const inFlight = new Set<Promise<void>>()
say('open\n')
for (let number = 0; ; number++) {
  const operation = next()
  if (operation.alone) await Promise.all(inFlight)
  while (inFlight.size >= MAX_IN_FLIGHT) await Promise.race(inFlight)
  const done = operation.issue(db).then(() => {
    say(`${number}\n`)
    inFlight.delete(done)
  })
  inFlight.add(done)
  if (operation.alone) await done
  // Not awaited: writers go on while it runs.
  if (number % CHECKPOINT_EVERY === CHECKPOINT_EVERY - 1) inFlight.add(checkpoint())
}

function checkpoint(): Promise<void> {
  const done: Promise<void> = db.checkpoint().then(() => {
    inFlight.delete(done)
  })
  return done
}

/** Says it before it returns, also when the reader is slow: the other end of the pipe may be full for a while. */
function say(text: string): void {
  for (;;) {
    try {
      writeSync(1, text)
      return
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
    }
  }
}
