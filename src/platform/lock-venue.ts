/**
 * Where the openers of one folder find each other: sockets in the folder itself, or, on Windows, named pipes under a
 * hash of its path. lock.ts has the protocol; this is the addressing.
 */
import { createHash, randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileError } from './platform.ts'

/** A place where listening servers are seen by name. */
export interface LockVenue {
  /** Makes the server listen and be seen; returns its name. Once a name is seen, a connection to it is accepted. */
  show(server: Server): Promise<string>
  /** Names seen now. */
  list(): readonly string[]
  /** Calls `use` with the address of a name; the address is good until its promise settles. */
  at<T>(name: string, use: (address: string) => Promise<T>): Promise<T>
  /** Takes away a name: one's own, or one whose process is dead. */
  remove(name: string): void
  /** Takes away what starters that died half-way left behind. Only the holder calls it. */
  sweep(): void
}

const NAME = /lock-(\d+)-[0-9a-f]{16}/
const SEEN_SOCKET: RegExp = new RegExp(`^${NAME.source}$`)
/** A socket that is bound but may not listen yet. */
const HALF_WAY = '.tmp'
const HALF_WAY_SOCKET: RegExp = new RegExp(`^${NAME.source}\\.tmp$`)
/** sun_path is 108 bytes on Linux, 104 on macOS, the final zero included. */
const MAX_ADDRESS_BYTES = 100

/** The venue of a folder, given by its canonical path. */
export function lockVenue(folder: string): LockVenue {
  return process.platform === 'win32' ? pipeVenue(folder) : socketVenue(folder)
}

/** The pid is there for the message about a holder too busy to answer. Nothing is decided by it. */
function newName(): string {
  return `lock-${process.pid}-${randomBytes(8).toString('hex')}`
}

/** The pid in a name, or 0. */
export function pidOfName(name: string): number {
  return Number(NAME.exec(name)?.[1] ?? 0)
}

function socketVenue(folder: string): LockVenue {
  const unlink = (name: string): void => {
    try {
      fs.unlinkSync(join(folder, name))
    } catch (cause) {
      if (codeOf(cause) !== 'ENOENT') throw new FileError(codeOf(cause), 'lock', join(folder, name), { cause })
    }
  }
  const names = (pattern: RegExp): string[] => fs.readdirSync(folder).filter((name) => pattern.test(name))
  return {
    async show(server) {
      const name = newName()
      const halfWay = name + HALF_WAY
      await withAddress(folder, halfWay, (address) => listening(server, address))
      try {
        fs.renameSync(join(folder, halfWay), join(folder, name))
      } catch (cause) {
        server.close()
        throw cause
      }
      return name
    },
    list: () => names(SEEN_SOCKET),
    at: (name, use) => withAddress(folder, name, use),
    remove: unlink,
    sweep: () => names(HALF_WAY_SOCKET).forEach(unlink),
  }
}

/**
 * Windows. A pipe is seen and accepts from the moment it exists, and goes with its process, so there is nothing to
 * rename and nothing stale. Written after Node's documentation of pipes; not tried on a Windows machine yet.
 */
function pipeVenue(folder: string): LockVenue {
  const root = '\\\\.\\pipe\\'
  const prefix = `blazedb-${createHash('sha256').update(folder.toLowerCase()).digest('hex').slice(0, 32)}-`
  return {
    async show(server) {
      const name = prefix + newName()
      await listening(server, root + name)
      return name
    },
    list: () => fs.readdirSync(root).filter((name) => name.startsWith(prefix)),
    at: (name, use) => use(root + name),
    remove: () => undefined,
    sweep: () => undefined,
  }
}

function listening(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Every user may ask: a reader of another user must be able to tell a reader from a writer.
    server.listen({ path: address, readableAll: true, writableAll: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** The path of a socket, or, when that is too long for an address, the same through a short alias of the folder. */
async function withAddress<T>(folder: string, name: string, use: (address: string) => Promise<T>): Promise<T> {
  const path = join(folder, name)
  if (Buffer.byteLength(path) <= MAX_ADDRESS_BYTES) return use(path)
  if (process.platform === 'linux') {
    const fd = fs.openSync(folder, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
    try {
      return await use(`/proc/self/fd/${fd}/${name}`)
    } finally {
      fs.closeSync(fd)
    }
  }
  const alias = join(tmpdir(), `blazedb-${randomBytes(4).toString('hex')}`)
  fs.symlinkSync(folder, alias)
  try {
    return await use(join(alias, name))
  } finally {
    fs.unlinkSync(alias)
  }
}

/** The errno name of a failed call; a defect of our own has none, and is thrown on. */
export function codeOf(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause) return String(cause.code)
  throw cause
}
