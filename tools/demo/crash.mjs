/** Lets a child process write a database, kills it in the middle of its commits, and hears what it had been promised. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A child that has acknowledged nothing by then never will. */
const PATIENCE_MS = 20_000

/**
 * Kills the child by SIGKILL, which no process can catch, after so many acknowledged transfers.
 * @param {string} folder of the child's database
 * @param {number} enough
 */
export async function killWriter(folder, enough) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-child.mjs'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const stop = () => child.kill('SIGKILL')
  process.once('exit', stop)
  const patience = setTimeout(stop, PATIENCE_MS)
  const closed = once(child, 'close')

  const begun = new Set()
  const acknowledged = /** @type {Set<number>} */ (new Set())
  for await (const line of createInterface({ input: child.stdout })) {
    const transfer = Number(line.slice(1))
    if (line.startsWith('=')) acknowledged.add(transfer)
    else begun.add(transfer)
    if (acknowledged.size === enough) stop()
  }
  const [, signal] = await closed
  clearTimeout(patience)
  process.off('exit', stop)
  return { acknowledged, signal, inFlight: begun.size - acknowledged.size }
}
