import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { nodeLocks } from '../../src/platform/lock.ts'
import type { Lock, LockHolder, LockMode } from '../../src/platform/platform.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { lockStoreContract } from '../../src/testing/contracts/lock-store.ts'
import { compilePlatform } from './compiled-platform.ts'

let script: string
const locks = nodeLocks(systemRandom())
let compiled: string
let folder: string
const held: Lock[] = []
const children = new Set<ChildProcess>()

beforeAll(() => {
  compiled = compilePlatform()
  script = join(compiled, 'lock-child.mjs')
  copyFileSync(new URL('./lock-child.mjs', import.meta.url), script)
  chmodSync(compiled, 0o755) // also for the opener that runs as nobody
})
afterAll(() => rmSync(compiled, { recursive: true }))
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'blazedb-lock-'))
})
afterEach(async () => {
  for (const lock of held.splice(0)) await lock.release()
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  rmSync(folder, { recursive: true })
})

lockStoreContract({ describe, test }, 'node', () => {
  const [one, other] = ['a', 'b'].map((name) => join(folder, name))
  mkdirSync(one!)
  mkdirSync(other!)
  return { locks, folder: one!, otherFolder: other! }
})

describe('the process lock', () => {
  test('a second writer in the same process is refused, and told who holds the folder', async () => {
    await take(folder, 'read-write')
    const holder = await refused(folder, 'read-write')
    expect(holder).toMatchObject({ pid: process.pid, host: hostname(), mode: 'read-write' })
    expect(Number.isNaN(Date.parse(holder.since))).toBe(false)
  })

  test('a released lock leaves nothing in the folder and can be taken again', async () => {
    const lock = await take(folder, 'read-write')
    await lock.release()
    expect(readdirSync(folder)).toEqual([])
    await take(folder, 'read-write')
    expect(readdirSync(folder).length).toBe(1)
  })

  test('read-only opens share; none stands beside a writer, in either order', async () => {
    const reader = await take(folder, 'read-only')
    const second = await take(folder, 'read-only')
    expect((await refused(folder, 'read-write')).mode).toBe('read-only')
    await reader.release()
    await refused(folder, 'read-write')
    await second.release()
    await take(folder, 'read-write')
    expect((await refused(folder, 'read-only')).mode).toBe('read-write')
  })

  test('ten writers that start at once in one process give one holder', async () => {
    const results = await Promise.all(Array.from({ length: 10 }, () => locks.acquire(folder, 'read-write')))
    const winners = results.flatMap((result) => ('lock' in result ? [result.lock] : []))
    held.push(...winners)
    expect(winners.length).toBe(1)
  })

  test('a symbolic link to the folder is the same folder', async () => {
    const link = `${folder}-link`
    symlinkSync(folder, link)
    await take(link, 'read-write')
    await refused(folder, 'read-write')
    rmSync(link)
  })

  test('a path longer than a socket address can be locked', async () => {
    const long = join(folder, 'x'.repeat(120), 'y'.repeat(60))
    mkdirSync(long, { recursive: true })
    const lock = await take(long, 'read-write')
    await refused(long, 'read-write')
    await lock.release()
    expect(readdirSync(long)).toEqual([])
  })

  test('a folder copied with a dead socket in it opens, and the dead socket is removed', async () => {
    const child = await startChild()
    await tell(child, { acquire: folder, mode: 'read-write' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    const copy = `${folder}-copy`
    execFileSync('cp', ['-a', folder, copy])
    const [dead] = readdirSync(copy)
    const lock = await take(copy, 'read-write')
    expect(readdirSync(copy)).not.toContain(dead)
    await lock.release()
    rmSync(copy, { recursive: true })
  })

  test('an ordinary file with the name of a socket is stale; other files are not touched', async () => {
    writeFileSync(join(folder, 'lock-1-0123456789abcdef'), '')
    writeFileSync(join(folder, 'lock-1-0123456789abcdef.tmp'), '')
    writeFileSync(join(folder, 'lock-notes'), '')
    await take(folder, 'read-write')
    const names = readdirSync(folder).filter((name) => !name.startsWith(`lock-${process.pid}-`))
    expect(names).toEqual(['lock-notes'])
  })

  test('a read-only open removes nothing, not even a stale socket', async () => {
    writeFileSync(join(folder, 'lock-1-0123456789abcdef'), '')
    const lock = await take(folder, 'read-only')
    await lock.release()
    expect(readdirSync(folder)).toEqual(['lock-1-0123456789abcdef'])
  })

  test('a socket that accepts and talks nonsense is an owner whose pid its name tells', async () => {
    const server = createServer((socket) => socket.end('hello\n'))
    server.listen(join(folder, 'lock-77-0123456789abcdef'))
    await once(server, 'listening')
    expect(await refused(folder, 'read-write')).toMatchObject({ pid: 77, host: 'unknown' })
    server.close()
  })

  test('an absent folder is an error, not a lock', async () => {
    await expect(locks.acquire(join(folder, 'absent'), 'read-write')).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('where nothing can be created, a reader only looks and a writer fails', async () => {
    const child = await startChild(nobody())
    chmodSync(folder, 0o555)
    expect(await tell(child, { acquire: folder, mode: 'read-only' })).toEqual({ held: true })
    expect(await tell(child, { acquire: folder, mode: 'read-write' })).toEqual({ failed: 'EACCES' })
    expect(readdirSync(folder)).toEqual([])
    chmodSync(folder, 0o755)
  })

  test('a reader of another user is told what the holder does', async () => {
    const child = await startChild(nobody())
    chmodSync(folder, 0o755)
    const reader = await take(folder, 'read-only')
    expect(await tell(child, { acquire: folder, mode: 'read-only' })).toEqual({ held: true })
    await tell(child, { release: true })
    await reader.release()
    await take(folder, 'read-write')
    expect(await tell(child, { acquire: folder, mode: 'read-only' })).toMatchObject({ holder: { pid: process.pid } })
  })

  test('a worker thread is another opener', async () => {
    await take(folder, 'read-write')
    const worker = new Worker(script, { workerData: compiled })
    await once(worker, 'message')
    const answer = once(worker, 'message')
    worker.postMessage({ acquire: folder, mode: 'read-write' })
    expect((await answer)[0]).toMatchObject({ holder: { pid: process.pid } })
    await worker.terminate()
  })

  test('a holder in another process is named, and its lock goes with it', async () => {
    const child = await startChild()
    expect(await tell(child, { acquire: folder, mode: 'read-write' })).toEqual({ held: true })
    expect((await refused(folder, 'read-write')).pid).toBe(child.pid)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await take(folder, 'read-write')
  })

  test('a stopped holder keeps its lock though it cannot answer', async () => {
    const child = await startChild()
    await tell(child, { acquire: folder, mode: 'read-write' })
    child.kill('SIGSTOP')
    expect(await refused(folder, 'read-write')).toMatchObject({ pid: child.pid, since: 'unknown' })
    child.kill('SIGCONT')
    expect((await refused(folder, 'read-write')).since).not.toBe('unknown')
  })

  test('a holder busy for less than two seconds is still named in full', async () => {
    const child = await startChild()
    await tell(child, { acquire: folder, mode: 'read-write' })
    await tell(child, { block: 300 })
    expect(await refused(folder, 'read-write')).toMatchObject({ pid: child.pid, host: hostname() })
  })

  test('a held lock does not keep the process alive', () => {
    const code = `import { nodeLocks } from 'file://${compiled}/platform/lock.js'
      const result = await nodeLocks({ next: () => 0.5 }).acquire(${JSON.stringify(folder)}, 'read-write')
      console.log('lock' in result)`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', code], { timeout: 10_000 })
    expect(output.toString().trim()).toBe('true')
  })

  test('three starters at once, some killed, 200 rounds: never two holders, never stuck', {
    timeout: 60_000,
  }, async () => {
    const random = seededRandom(20)
    const openers = await Promise.all([startChild(), startChild(), startChild()])
    for (let round = 0; round < 200; round++) {
      const killed = random.below(5) === 0 ? random.below(3) : -1
      const answers = openers.map((child) => tell(child, { acquire: folder, mode: 'read-write' }))
      if (killed >= 0) {
        // The victim dies somewhere on its way: a few turns from now.
        for (let turn = random.below(200); turn > 0; turn--) await new Promise((resolve) => setImmediate(resolve))
        openers[killed]!.kill('SIGKILL')
      }
      const results = await Promise.all(answers)
      const holders = results.flatMap((result, index) => ('held' in result && index !== killed ? [index] : []))
      expect(holders.length, `round ${round}`).toBeLessThanOrEqual(1)
      if (killed < 0) expect(holders.length, `round ${round}`).toBe(1)
      else openers[killed] = await startChild()
      for (const index of holders) await tell(openers[index]!, { release: true })
    }
    expect(await tell(openers[0]!, { acquire: folder, mode: 'read-write' })).toEqual({ held: true })
    expect(readdirSync(folder).length).toBe(1)
  })
})

async function take(path: string, mode: LockMode): Promise<Lock> {
  const result = await locks.acquire(path, mode)
  if (!('lock' in result)) throw new Error(`refused by ${JSON.stringify(result.holder)}`)
  held.push(result.lock)
  return result.lock
}

async function refused(path: string, mode: LockMode): Promise<LockHolder> {
  const result = await locks.acquire(path, mode)
  if ('lock' in result) {
    held.push(result.lock)
    throw new Error('the lock was given')
  }
  return result.holder
}

/** Root may write anywhere, so what needs a stranger runs as nobody when the tests run as root. */
function nobody(): { readonly uid?: number; readonly gid?: number } {
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
}

async function startChild(options: { readonly uid?: number; readonly gid?: number } = {}): Promise<ChildProcess> {
  // Without the runner's own arguments: what they name may lie where a stranger cannot read.
  const child = fork(script, [compiled], { execArgv: [], ...options })
  children.add(child)
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the child ended with ${code}`)))
  await Promise.race([once(child, 'message'), ended])
  ended.catch(() => undefined)
  return child
}

/** The answer to a message, or nothing when the child dies first. */
function tell(child: ChildProcess, message: object): Promise<object> {
  return new Promise((resolve) => {
    const settle = (answer: object): void => {
      child.off('message', settle)
      child.off('exit', died)
      resolve(answer)
    }
    const died = (): void => settle({ died: true })
    child.on('message', settle)
    child.on('exit', died)
    child.send(message, (error) => {
      if (error) died()
    })
  })
}
