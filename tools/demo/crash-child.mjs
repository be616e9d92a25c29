/**
 * The process that is killed: writes transfers, many at a time, until its end. On its standard output it says `+n` when
 * it begins transfer n and `=n` when the database has acknowledged it, by a write that is done when it returns.
 */
import { writeSync } from 'node:fs'
import { argv } from 'node:process'
import { open } from 'blazedb'
import { entries, writeTransfer } from './crash-ledger.mjs'

/** Transfers in flight. */
const LANES = 16
/** Should nobody kill it, it ends by itself. */
const LAST_TRANSFER = 500_000

/** Says it before it returns, also when the reader is slow: the other end of the pipe may be full for a while. */
function say(text) {
  for (;;) {
    try {
      writeSync(1, text)
      return
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
  }
}

const db = await open(argv[2] ?? '', { collections: { entries } })
let next = 1

async function lane() {
  while (next <= LAST_TRANSFER) {
    const transfer = next++
    say(`+${transfer}\n`)
    await writeTransfer(db, transfer)
    say(`=${transfer}\n`)
  }
}

await Promise.all(Array.from({ length: LANES }, lane))
await db.close()
