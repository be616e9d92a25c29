/**
 * The directory on LMDB: a small environment in one file, built once, sealed by the caller's checksum, read once as a
 * whole, never edited.
 *
 * `load` reads the bytes that its caller has verified by itself (lmdb-file.ts); `build` starts from no file. LMDB opens a
 * file for reading only when its bytes are not of the version that we know. It maps a file and trusts it: of 99 single
 * faults put into one, 9 killed the process and 7 gave wrong data. So it is given only what was verified, every value is
 * copied out, and it is closed at once. It creates a lock file beside its own even for reading: that is removed, and in a
 * folder that may not be touched the file is copied to the system's temporary folder first.
 *
 * lmdb is imported on first use: its native code takes longer to load than a database to open.
 *
 * What it does not do: rename, sync the folder, checksum (the checkpoint and root do).
 */
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { RootDatabase, RootDatabaseOptionsWithPath } from 'lmdb'
import { checkedEntries } from './directory-entries.ts'
import { readLmdbFile } from './lmdb-file.ts'
import { type DirectoryStore, FileError } from './platform.ts'

type Entry = readonly [key: number, value: Uint8Array]
type OpenLmdb = (options: RootDatabaseOptionsWithPath) => RootDatabase<Uint8Array, number>

/** Options both ways; without the two free-space bounds LMDB's free list makes small puts slow after large ones. */
const COMMON = {
  noSubdir: true,
  keyEncoding: 'uint32',
  encoding: 'binary',
  maxFreeSpaceToLoad: 4000,
  maxFreeSpaceToRetain: 8000,
} as const

/** The directory store of this machine. */
export function lmdbDirectoryStore(): DirectoryStore {
  return { build, load, prepare }
}

async function build(path: string, entries: Iterable<Entry>): Promise<void> {
  const list = checkedEntries(entries)
  await reported('build', path, async () => {
    fs.accessSync(dirname(path)) // LMDB would make a missing folder
    fs.rmSync(path, { force: true })
    fs.rmSync(`${path}-lock`, { force: true })
    const open = await loadLmdb()
    // No overlapping sync: a commit is on the device before it resolves.
    const db = open({ ...COMMON, path, overlappingSync: false })
    try {
      // Puts of one turn are one transaction.
      await Promise.all(list.map(([key, value]) => db.put(key, value)))
      await db.flushed
    } finally {
      await db.close()
      fs.rmSync(`${path}-lock`, { force: true })
    }
    await syncFile(path)
  })
}

function load(
  path: string,
  bytes: Uint8Array,
  options: { readonly readOnlyFolder: boolean },
): Promise<readonly Entry[]> {
  return reported('load', path, async () => {
    const entries = readLmdbFile(bytes)
    if (entries !== undefined) return entries
    if (!options.readOnlyFolder) return readAll(path)
    const folder = fs.mkdtempSync(join(tmpdir(), 'blazedb-directory-'))
    try {
      const copy = join(folder, 'directory')
      fs.copyFileSync(path, copy)
      return await readAll(copy)
    } finally {
      fs.rmSync(folder, { recursive: true, force: true })
    }
  })
}

async function prepare(): Promise<void> {
  await loadLmdb()
}

async function readAll(path: string): Promise<readonly Entry[]> {
  // LMDB creates what is absent, also for reading; absence is an error here.
  fs.accessSync(path, fs.constants.R_OK)
  const open = await loadLmdb()
  const db = open({ ...COMMON, path, readOnly: true })
  try {
    const entries: Entry[] = []
    // A value may lie in LMDB's map or in its one shared buffer: copied before the cursor moves on.
    for (const { key, value } of db.getRange()) entries.push([key, Uint8Array.from(value)])
    return entries
  } finally {
    await db.close()
    fs.rmSync(`${path}-lock`, { force: true })
  }
}

async function loadLmdb(): Promise<OpenLmdb> {
  const { open } = await import('lmdb')
  // Its overloads leave the options of encoding and free space untyped; the values are the documented ones.
  return open as unknown as OpenLmdb
}

/** LMDB has flushed; this costs little then, and does not rest on its settings. */
async function syncFile(path: string): Promise<void> {
  const file = await fs.promises.open(path, 'r+')
  try {
    await file.datasync()
  } finally {
    await file.close()
  }
}

async function reported<T>(operation: string, path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'EUNKNOWN'
    throw cause instanceof FileError ? cause : new FileError(code, operation, path, { cause })
  }
}
