import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { FaultPlan } from '../../src/platform/fault-plan.ts'
import { faultyFiles } from '../../src/platform/faulty-files.ts'
import { fileSystemKind, kindOfMagic, networkFileSystem } from '../../src/platform/file-system-kind.ts'
import { nodeFiles, renameWithRetry } from '../../src/platform/node-files.ts'
import type { FileSystem } from '../../src/platform/platform.ts'
import { fileSystemContract } from '../../src/testing/contracts/file-system.ts'

const root = mkdtempSync(join(tmpdir(), 'blazedb-files-'))
afterAll(() => rmSync(root, { recursive: true }))
let folderCount = 0

const beginFiles = (): { readonly files: FileSystem; readonly folder: string } => {
  const folder = join(root, String(folderCount++))
  mkdirSync(folder)
  return { files: nodeFiles(folder), folder }
}

fileSystemContract({ describe, test }, 'node', beginFiles)

fileSystemContract({ describe, test }, 'node, through a plan of no faults', () => {
  const { files, folder } = beginFiles()
  return { files: faultyFiles(files, new FaultPlan()), folder }
})

test('a canonical path resolves symbolic links', () => {
  const target = join(root, 'target')
  mkdirSync(target)
  symlinkSync(target, join(root, 'link'))
  const files = nodeFiles()
  expect(files.realPathSync(join(root, 'link'))).toBe(files.realPathSync(target))
})

test('copy-on-write and network file systems are told by their magic number', () => {
  expect(kindOfMagic('linux', 0xef53)).toEqual({ overwritesInPlace: true, network: false })
  expect(kindOfMagic('linux', 0x9123683e)).toEqual({ overwritesInPlace: false, network: false })
  expect(kindOfMagic('linux', 0x2fc12fc1)).toEqual({ overwritesInPlace: false, network: false })
  expect(kindOfMagic('linux', 0x6969)).toEqual({ overwritesInPlace: false, network: true })
  expect(kindOfMagic('linux', 0xff534d42)).toEqual({ overwritesInPlace: false, network: true })
  expect(kindOfMagic('darwin', 0x6969)).toEqual({ overwritesInPlace: false, network: false })
})

test('the kind of a path that does not exist yet is that of its nearest parent', () => {
  expect(fileSystemKind(join(root, 'not', 'yet'))).toEqual(fileSystemKind(root))
  expect(networkFileSystem(join(root, 'not', 'yet'))).toBe(fileSystemKind(root).network)
})

test('a rename is tried again while the file is busy, and not for ever', () => {
  const busy = Object.assign(new Error('busy'), { code: 'EPERM' })
  const waits: number[] = []
  let failures = 3
  renameWithRetry(
    () => {
      if (failures-- > 0) throw busy
    },
    (ms) => waits.push(ms),
  )
  expect(waits).toEqual([1, 2, 4])
  let tries = 0
  const always = (): void => {
    tries++
    throw busy
  }
  expect(() => renameWithRetry(always, () => undefined)).toThrow(busy)
  expect(tries).toBe(10)
})

test('a rename that fails for another reason is not tried again', () => {
  let tries = 0
  const absent = Object.assign(new Error('absent'), { code: 'ENOENT' })
  const call = (): void => {
    tries++
    throw absent
  }
  expect(() => renameWithRetry(call, () => undefined)).toThrow(absent)
  expect(tries).toBe(1)
})
