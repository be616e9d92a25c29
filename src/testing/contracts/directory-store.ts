/** What every DirectoryStore keeps. */
import fc from 'fast-check'
import type { DirectoryStore, FileSystem } from '../../platform/platform.ts'
import {
  type ContractCase,
  defineContract,
  type Ending,
  equal,
  propertyOf,
  rejection,
  type TestRunner,
} from './contract.ts'

/** A store, the file system that its files lie in, and an empty folder there. */
export interface DirectoryStoreSubject extends Ending {
  readonly store: DirectoryStore
  readonly files: FileSystem
  readonly folder: string
  /** What a load is given in place of the file's bytes; the bytes by default. */
  readonly bytesFor?: (bytes: Uint8Array) => Uint8Array
}

/**
 * Tests a directory store with any runner.
 * @example
 * directoryStoreContract({ describe, test }, 'memory', () => ({ store, files, folder: '/empty' }))
 */
export function directoryStoreContract(
  runner: TestRunner,
  name: string,
  begin: () => DirectoryStoreSubject | Promise<DirectoryStoreSubject>,
): void {
  defineContract(runner, `the directory store contract: ${name}`, { cases: CASES, begin })
}

type Entries = readonly (readonly [key: number, value: Uint8Array])[]

const PROPERTY_RUNS = 15
const MOST_BYTES = 65536

const CASES: readonly ContractCase<DirectoryStoreSubject>[] = [
  {
    title: 'load gives back what build was given, in order',
    run: async (subject) => {
      let count = 0
      const value = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 3000, maxLength: 9000 }))
      const keys = fc.uniqueArray(fc.integer({ min: 0, max: 0xffffffff }), { maxLength: 100 })
      const property = fc.asyncProperty(keys, fc.infiniteStream(value), async (drawn, values) => {
        const path = `${subject.folder}/directory-${count++}`
        const entries = [...drawn].sort((x, y) => x - y).map((key) => [key, values.next().value] as const)
        await subject.store.build(path, entries)
        equal(await load(subject, path, count % 2 === 0), entries)
      })
      await fc.assert(property, { numRuns: PROPERTY_RUNS, seed: 7 })
    },
  },
  {
    title: 'many values of 64 KB come back as copies of their own',
    run: async (subject) => {
      const entries = Array.from({ length: 64 }, (_, key) => [key, new Uint8Array(MOST_BYTES).fill(key)] as const)
      await subject.store.build(`${subject.folder}/d`, entries)
      const loaded = await load(subject, `${subject.folder}/d`, false)
      equal(loaded, entries)
      equal(new Set(loaded.map(([, value]) => value.buffer)).size, 64)
    },
  },
  {
    title: 'build replaces what an interrupted build left, and leaves one file',
    run: async (subject) => {
      const { store, files, folder } = subject
      const scrap = files.openSync(`${folder}/d`, 'write')
      scrap.writeSync(new Uint8Array(10_000).fill(255), 0, 10_000, 0)
      scrap.closeSync()
      await store.build(`${folder}/d`, [[5, Uint8Array.of(1)]])
      equal(files.listSync(folder), ['d'])
      equal(await load(subject, `${folder}/d`, false), [[5, Uint8Array.of(1)]])
      equal(files.listSync(folder), ['d'])
    },
  },
  {
    title: 'a built file may be renamed and loaded under its new name',
    run: async (subject) => {
      const { store, files, folder } = subject
      await store.build(`${folder}/d.tmp`, [[1, Uint8Array.of(9)]])
      files.renameSync(`${folder}/d.tmp`, `${folder}/d`)
      equal(await load(subject, `${folder}/d`, true), [[1, Uint8Array.of(9)]])
      equal(files.listSync(folder), ['d'])
    },
  },
  {
    title: 'an absent folder is not made',
    run: async ({ store, files, folder }) => {
      equal(propertyOf(await rejection(store.build(`${folder}/x/d`, [])), 'name'), 'FileError')
      equal(files.listSync(folder), [])
    },
  },
  {
    title: 'keys that do not ascend, do not fit 32 bits, or values above 64 KB are defects',
    run: async ({ store, folder }) => {
      const none = new Uint8Array(0)
      const broken: Entries[] = [
        [
          [2, none],
          [2, none],
        ],
        [[2 ** 32, none]],
        [[1.5, none]],
        [[1, new Uint8Array(MOST_BYTES + 1)]],
      ]
      for (const entries of broken) {
        equal(propertyOf(await rejection(store.build(`${folder}/d`, entries)), 'name'), 'InvariantError')
      }
    },
  },
]

async function load(subject: DirectoryStoreSubject, path: string, readOnlyFolder: boolean): Promise<Entries> {
  const bytes = wholeFile(subject.files, path)
  return subject.store.load(path, subject.bytesFor?.(bytes) ?? bytes, { readOnlyFolder })
}

function wholeFile(files: FileSystem, path: string): Uint8Array {
  const handle = files.openSync(path, 'read')
  try {
    const bytes = new Uint8Array(handle.sizeSync())
    equal(handle.readSync(bytes, 0, bytes.length, 0), bytes.length, 'bytes read')
    return bytes
  } finally {
    handle.closeSync()
  }
}
