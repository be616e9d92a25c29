/** Starting the contestants of the query benchmark (query-contestant.mjs). */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const FILE = join(import.meta.dirname, '..', 'query-contestant.mjs')

/** `ask(task)` gives the answer; `close()` ends it. Dates and vectors go as they are. */
export async function startQueryContestant(start) {
  const child = fork(FILE, [JSON.stringify(start)], { execArgv: ['--expose-gc'], serialization: 'advanced' })
  const ended = new Promise((_, reject) => {
    child.once('exit', () => reject(new Error(`${start.module} ended before it answered`)))
  })
  // It ends when it is closed, too.
  ended.catch(() => undefined)
  const answer = async () => (await Promise.race([once(child, 'message'), ended]))[0]
  await answer()
  return {
    ask: (message) => {
      const answered = answer()
      child.send(message)
      return answered
    },
    close: async () => {
      const exited = once(child, 'exit')
      child.send({ task: 'close' })
      await exited
    },
  }
}
