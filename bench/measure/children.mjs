/** Starting child processes: single tasks (child.mjs) and contestants that stay (contestant.mjs). */
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, '..')
const MAX_OUTPUT = 1024 * 1024

/** A task of child.mjs; `killed`: it ends itself by a signal once it has printed. */
export function runTask(task, parameters, { killed = false } = {}) {
  return new Promise((resolve, reject) => {
    const args = ['--expose-gc', join(FOLDER, 'child.mjs'), task, JSON.stringify(parameters)]
    execFile(process.execPath, args, { maxBuffer: MAX_OUTPUT }, (error, stdout, stderr) => {
      if (error === null || (killed && error.signal === 'SIGKILL')) resolve(JSON.parse(stdout))
      else reject(new Error(`${task} failed: ${stderr}`, { cause: error }))
    })
  })
}

/** Folders with all records in them, closed; made once for the rows that open them. */
export async function filledFolder(session, peer, settings = {}) {
  const key = `${peer} ${JSON.stringify(settings)}`
  let directory = session.filled.get(key)
  if (directory === undefined) {
    directory = session.folders.fresh(`filled-${peer}`)
    const { records, seed } = session.options
    await runTask('filling', { peer, directory, settings, records, seed })
    session.filled.set(key, directory)
  }
  return directory
}

/** A contestant on a filled folder: `run(block, parameters)` gives its figure. */
export async function startContestant(session, peer, settings = {}) {
  // A cache is no property of the files.
  const { cache, ...stored } = settings
  const directory = await filledFolder(session, peer, stored)
  const { records, seed } = session.options
  const start = JSON.stringify({ peer, directory, settings, records, seed })
  const child = fork(join(FOLDER, 'contestant.mjs'), [start], { execArgv: ['--expose-gc'] })
  const answer = async () => {
    const ended = new AbortController()
    const exited = once(child, 'exit', { signal: ended.signal }).then(() => {
      throw new Error(`${peer} ended before it answered`)
    })
    try {
      const [message] = await Promise.race([once(child, 'message', { signal: ended.signal }), exited])
      return message
    } finally {
      // The loser of the race is told to stop listening; that it then rejects is expected.
      exited.catch(() => undefined)
      ended.abort()
    }
  }
  await answer()
  return {
    run: async (block, parameters, collect) => {
      const answered = answer()
      child.send({ block, parameters, collect })
      return (await answered).figure
    },
    close: async () => {
      const exited = once(child, 'exit')
      child.send({ block: 'close' })
      await exited
    },
  }
}
