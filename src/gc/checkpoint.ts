/**
 * The checkpoint: writes the derived structures as they were at one commit boundary C, and switches to them.
 *
 *   0 move    │ when too much of the page segments is dead: live pages of the oldest become dirty (release.ts)
 *   1 capture │ one turn: C := end of the log, freeze the dirty pages, take the structures' numbers
 *   2 pages   │ slices ≤ 2 ms: images of frozen pages, then of the map pages that name them; one sync
 *   3 durable │ wait until the log is durable at C
 *   4 directory-<n>  built under a temporary name, flushed, hashed, renamed, folder synced
 *   5 root    │ written beside, renamed, folder synced      ◀── here the new image is current
 *   6 release │ frozen pages are clean, the map switches, what is below logTail and pageTail goes
 *
 * Writers go on all the while: a write to a frozen page copies it aside first, so what is written is the image at C.
 *
 * Invariants: the image is that of exactly C, and the log is durable at C before root names it; nothing that the old root
 * needs is touched before the new one is durable; logTail is that of the turn in which C was taken.
 * A failure in 1 to 5 makes the frozen pages dirty again and gives up their page segment; nothing is unlinked, also when
 * it is not known which root a failed step 5 left: both have all their files. The log is never poisoned from here. When a
 * structure is dropped while its pages wait to be written, its image at C is gone, and the checkpoint is given up
 * ('superseded'); Collector.afterCheckpoint lets its owner wait instead.
 *
 * What it does not do: decide when (collector.ts), clean the log (clean.ts), replay.
 */
import type { StructureId } from '../base/ids.ts'
import { clearLinks } from '../mvcc/slots.ts'
import type { FrozenPage, PageStore } from '../pages/page-table.ts'
import type { Platform } from '../platform/platform.ts'
import type { LogPosition } from '../wal/log.ts'
import { PAGE_ITEM_HEAD } from '../wal/page-file.ts'
import type { Seals } from '../wal/seal.ts'
import { writeDirectory } from './directory-file.ts'
import type { EngineImage } from './directory-image.ts'
import { IMAGE_SIZE, PageMap } from './page-map.ts'
import type { PageOutput } from './page-output.ts'
import { moveOldPages, type ReleaseContext, unlinkVoid } from './release.ts'
import type { Root } from './root.ts'

/** What one turn captured: everything as it is at C. */
export interface CapturedImage extends EngineImage {
  /** C with the chain there: log.boundary(). */
  readonly position: LogPosition
  /** The cleaner's tail in this turn. */
  readonly logTail: number
  /** pageStore.freeze() */
  readonly frozen: readonly FrozenPage[]
}

/** What a checkpoint is given. One object per open database: the number of the directory is counted in it. */
export interface CheckpointContext extends ReleaseContext {
  readonly epochSalt: Uint8Array
  readonly seals: Seals
  readonly pages: PageStore
  /** The number of the last directory that was named, or tried: counted up by each checkpoint. */
  directoryNumber: number
  /**
   * Takes the image in this turn: seals the log (C), freezes the page store, reads the meta of every paged structure that
   * exists (those left out are dropped with this image), commit number, live bytes, the cleaner's tail. A throw must leave
   * nothing frozen.
   */
  captureAtBoundary(): CapturedImage
  /** Resolves when the log is durable at C; rejects when it never will be. */
  waitDurable(position: LogPosition): Promise<void>
  /** Puts the root in place, durable when it returns (engine/root-file.ts). */
  writeRoot(root: Root): void
}

/** Which step failed. */
export type CheckpointStep = 'capture' | 'pages' | 'durable' | 'directory' | 'root'

export type CheckpointResult =
  | {
      readonly kind: 'written'
      readonly root: Root
      readonly pagesWritten: number
      readonly durationMs: number
      /** What failed around it: space only, tried again by the next checkpoint. */
      readonly warnings: readonly Error[]
    }
  | { readonly kind: 'failed'; readonly step: CheckpointStep; readonly error: Error }
  /** A structure was dropped while its pages waited to be written: take another. */
  | { readonly kind: 'superseded' }

/** A slice of writing; a page takes about 10 µs of it. */
const SLICE_MS = 2

/** Runs one checkpoint; never rejects for an operating error. One at a time. */
export async function checkpoint(context: CheckpointContext): Promise<CheckpointResult> {
  const { platform, pages, map } = context
  const startedMs = platform.clock.monotonic()
  let step: CheckpointStep = 'capture'
  let frozen = false
  try {
    const warnings: Error[] = []
    await moveOldPages(context, warnings)
    const image = context.captureAtBoundary()
    frozen = true
    step = 'pages'
    map.begin(image.structures)
    const pagesWritten = await writePages(context, image)
    if (pagesWritten === undefined) {
      await giveUp(context)
      return { kind: 'superseded' }
    }
    step = 'durable'
    await context.waitDurable(image.position)
    step = 'directory'
    const pageSegments = map.pageSegments()
    const number = ++context.directoryNumber
    const structures = map.mapped(image.structures)
    const content = { ...image, structures, pageSegments }
    const directory = await writeDirectory(platform, context.folder, number, content, context.seals)
    step = 'root'
    const root = makeRoot(context, image, pageSegments[0]?.id, directory)
    context.writeRoot(root)
    pages.thaw(true)
    map.commitStaged()
    unlinkVoid(context, root, warnings)
    const durationMs = platform.clock.monotonic() - startedMs
    return { kind: 'written', root, pagesWritten, durationMs, warnings }
  } catch (error) {
    if (frozen) await giveUp(context)
    return { kind: 'failed', step, error: error instanceof Error ? error : new Error(String(error)) }
  }
}

/** The root of a database that is closed: the same, with the end of its log. Call after the log is closed, all of it durable. */
export function writeCleanClose(writeRoot: (root: Root) => void, root: Root, end: LogPosition): Root {
  const closed: Root = { ...root, cleanEnd: end }
  writeRoot(closed)
  return closed
}

/** Everything is as if the checkpoint had not been tried, but for void files. */
async function giveUp({ pages, map, output }: CheckpointContext): Promise<void> {
  pages.thaw(false)
  map.dropStaged()
  await output.abandon()
}

function makeRoot(
  context: CheckpointContext,
  image: CapturedImage,
  pageTail: number | undefined,
  directory: Root['directory'],
): Root {
  const pageHead = context.output.head
  return {
    epochSalt: context.epochSalt,
    checkpoint: image.position,
    commit: image.commit,
    logTail: image.logTail,
    pageTail: pageTail ?? pageHead + 1,
    pageHead,
    directory,
    cleanEnd: undefined,
  }
}

/** Step 2. The number of images written; undefined when a frozen page went with its structure. */
async function writePages(context: CheckpointContext, image: CapturedImage): Promise<number | undefined> {
  const { platform, pages, map, output } = context
  const slots = new Set<StructureId>()
  for (const structure of image.structures) if (structure.slots) slots.add(structure.structure)
  const buffer = new Uint8Array(IMAGE_SIZE)
  const body = buffer.subarray(PAGE_ITEM_HEAD)
  const { lsn } = image.position
  const slice = new Slice(platform, output)
  let written = 0
  for (const each of image.frozen) {
    const bytes = pages.frozenImage(each)
    if (bytes === undefined) return undefined
    const { structure } = each.space
    body.set(bytes)
    if (slots.has(structure)) clearLinks(body)
    PageMap.writeHead(buffer, structure, each.page, lsn)
    map.stage(structure, each.page, output.append(buffer))
    written++
    if (slice.over()) await slice.next()
  }
  for (const { structure, mapPage, words } of map.stagedMapPages()) {
    body.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength))
    PageMap.writeHead(buffer, structure, PageMap.mapPageNumber(mapPage), lsn)
    map.stageMapPage(structure, mapPage, output.append(buffer))
    written++
    if (slice.over()) await slice.next()
  }
  await output.sync()
  return written
}

class Slice {
  readonly #platform: Platform
  readonly #output: PageOutput
  #endMs: number

  constructor(platform: Platform, output: PageOutput) {
    this.#platform = platform
    this.#output = output
    this.#endMs = platform.clock.monotonic() + SLICE_MS
  }

  over(): boolean {
    return this.#output.crowded || this.#platform.clock.monotonic() >= this.#endMs
  }

  async next(): Promise<void> {
    if (this.#output.crowded) await this.#output.drain()
    await this.#platform.clock.yield()
    this.#endMs = this.#platform.clock.monotonic() + SLICE_MS
  }
}
