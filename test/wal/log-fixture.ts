/** Opens logs on the memory twin and writes items that can tell whether they are themselves. */
import { expect } from 'vitest'
import type { Lsn } from '../../src/base/ids.ts'
import { type MemoryPlatform, memoryPlatform } from '../../src/platform/memory-platform.ts'
import type { Frame } from '../../src/wal/frame.ts'
import { type Durability, Log, type LogPosition } from '../../src/wal/log.ts'
import { type Recovered, type RecoveryStart, recoverLog, removeVoid } from '../../src/wal/recovery.ts'
import type { Seals } from '../../src/wal/seal.ts'
import { segmentStart } from '../../src/wal/segment.ts'
import { isEncrypted, platformFor, type Variant } from '../support/encrypted.ts'
import { encryptedSealsOf, plainSealsOf } from '../support/seals.ts'

export const FOLDER = '/db/log'
export const FILE_ID: Uint8Array = Uint8Array.from({ length: 16 }, (_, i) => i * 7 + 1)
export const START: LogPosition = { lsn: segmentStart(1), chain: 0 }

/** An item as the model knows it. */
export interface Item {
  readonly number: number
  readonly size: number
}

/** Where an item was put. */
export interface Placed extends Item {
  readonly segment: number
  readonly offset: number
  /** Where its frame begins. */
  readonly frame: number
  /** The end of the log behind it. */
  readonly end: Lsn
}

export interface OpenOptions {
  readonly syncWrites?: 'auto' | 'never'
  readonly relaxedDelayMs?: number
  readonly from?: RecoveryStart
  readonly keep?: boolean
  readonly readOnly?: boolean
}

export interface OpenLog {
  readonly platform: MemoryPlatform
  readonly log: Log
  readonly recovered: Recovered
  /** The items that recovery handed out, in order. */
  readonly items: readonly Item[]
  readonly advances: { durable: Lsn; accepted: Lsn }[]
  readonly failures: unknown[]
}

export function newPlatform(
  options: Parameters<typeof memoryPlatform>[0] = {},
  variant: Variant = 'plain',
): MemoryPlatform {
  const platform = platformFor(variant, memoryPlatform(options))
  platform.files.makeFolderSync(FOLDER)
  platform.files.syncFolderSync('/')
  platform.files.syncFolderSync('/db')
  return platform
}

/** What seals the log of a platform. */
export function sealsOn(platform: MemoryPlatform): Seals {
  return (isEncrypted(platform) ? encryptedSealsOf : plainSealsOf)(FILE_ID)
}

/** Recovers and opens the log of a platform. */
export function openLog(platform: MemoryPlatform, options: OpenOptions = {}): OpenLog {
  const advances: OpenLog['advances'] = []
  const failures: unknown[] = []
  const items: Item[] = []
  const readOnly = options.readOnly ?? false
  const seals = sealsOn(platform)
  const base = { platform, folder: FOLDER, fileId: FILE_ID, seals, readOnly }
  const from = options.from ?? { tailSegment: 1, position: START, keep: options.keep ?? false }
  const recovered = recoverLog(base, from, (frame) => items.push(...itemsOf(frame)))
  if (!readOnly) removeVoid(base, recovered)
  const config = {
    ...base,
    epochSalt: platform.random.fill(new Uint8Array(32)),
    syncWrites: options.syncWrites ?? 'auto',
    relaxedDelayMs: options.relaxedDelayMs ?? 100,
    events: {
      advanced: (durable: Lsn, accepted: Lsn): void => {
        advances.push({ durable, accepted })
      },
      failed: (cause: unknown): void => {
        failures.push(cause)
      },
    },
  }
  return { platform, log: new Log(config, recovered), recovered, items, advances, failures }
}

/** Reserves and fills one item of `size` bytes (a multiple of 8, at least 16): distance, number, size, filler. */
export function put(log: Log, number: number, size: number): Placed {
  log.reserve(size)
  const { itemBytes, itemOffset, itemSegment, frameOffset } = log
  fill(itemBytes, itemOffset, { number, size }, (itemOffset - frameOffset) / 8)
  return { number, size, segment: itemSegment, offset: itemOffset, frame: frameOffset, end: log.end }
}

/** One commit of one item. */
export function commit(log: Log, number: number, size: number, durability: Durability = 'full'): Placed {
  log.canReserve(size)
  const placed = put(log, number, size)
  log.submit(durability)
  return placed
}

function fill(bytes: Uint8Array, at: number, item: Item, distance: number): void {
  const view = new DataView(bytes.buffer)
  view.setUint32(at, distance, true)
  view.setUint32(at + 4, item.number, true)
  view.setUint32(at + 8, item.size, true)
  for (let i = 12; i < item.size; i++) bytes[at + i] = filler(item.number, i)
}

function filler(number: number, i: number): number {
  return (Math.imul(number + 1, 2654435761) >>> (i % 24)) & 255
}

/** Asserts that the item lies at `offset`. */
export function expectItem(bytes: Uint8Array, offset: number, item: Item): void {
  const view = new DataView(bytes.buffer)
  expect([view.getUint32(offset + 4, true), view.getUint32(offset + 8, true)]).toEqual([item.number, item.size])
  for (let i = 12; i < item.size; i++) {
    if (bytes[offset + i] !== filler(item.number, i)) expect.fail(`item ${item.number} is damaged at its byte ${i}`)
  }
}

/** The items of a frame, each checked. */
export function itemsOf(frame: Frame): Item[] {
  const view = new DataView(frame.bytes.buffer)
  const items: Item[] = []
  for (let at = frame.payloadStart; at < frame.payloadEnd; ) {
    const item = { number: view.getUint32(at + 4, true), size: view.getUint32(at + 8, true) }
    expect(item.size).toBeGreaterThanOrEqual(16)
    expectItem(frame.bytes, at, item)
    items.push(item)
    at += item.size
  }
  return items
}

/** The bytes of a file. */
export function fileBytes(platform: MemoryPlatform, path: string): Uint8Array {
  const handle = platform.files.openSync(path, 'read')
  const bytes = new Uint8Array(handle.sizeSync())
  handle.readSync(bytes, 0, bytes.length, 0)
  handle.closeSync()
  return bytes
}

/** Changes the bytes of a file in place. */
export function editFile(platform: MemoryPlatform, path: string, edit: (bytes: Uint8Array) => Uint8Array): void {
  const bytes = edit(fileBytes(platform, path))
  const handle = platform.files.openSync(path, 'write')
  handle.truncateSync(bytes.length)
  handle.writeSync(bytes, 0, bytes.length, 0)
  handle.syncSync()
  handle.closeSync()
}

/** A copy of the platform as a killed process leaves it; the original goes on. */
export function copyOf(platform: MemoryPlatform): MemoryPlatform {
  return platform.crash({ mode: 'keep-all', seed: 1 })
}

/** Lets what is queued for later turns happen. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}
