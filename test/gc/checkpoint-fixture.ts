/** A database of pages only: a few structures with random content, a log that is a number, real checkpoints and opens. */
import { expect } from 'vitest'
import type { CommitNumber, Lsn, StructureId } from '../../src/base/ids.ts'
import { type RootKeys, readRoot, writeRoot } from '../../src/engine/root-file.ts'
import type { CapturedImage, CheckpointContext } from '../../src/gc/checkpoint.ts'
import { readDirectory, removeVoidFiles } from '../../src/gc/directory-file.ts'
import type { DirectoryImage, StructureImage } from '../../src/gc/directory-image.ts'
import { PageMap } from '../../src/gc/page-map.ts'
import { PageOutput } from '../../src/gc/page-output.ts'
import { firstRoot, type Root } from '../../src/gc/root.ts'
import { clearLinks } from '../../src/mvcc/slots.ts'
import { Budget } from '../../src/pages/budget.ts'
import { PageSpace, PageStore } from '../../src/pages/page-table.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'
import { memoryPlatform } from '../../src/platform/memory-platform.ts'
import type { Clock } from '../../src/platform/platform.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/seeded-random.ts'
import { PageSegmentReader } from '../../src/wal/page-file.ts'
import { plainSealsOf } from '../support/seals.ts'

export const FOLDER = '/db'
export const FILE_ID: Uint8Array = Uint8Array.from({ length: 16 }, (_, i) => i * 5 + 3)
const SEALS = plainSealsOf(FILE_ID)
/** What its roots are sealed with. */
export const KEYS: RootKeys = { fileId: FILE_ID, seals: SEALS }
/** Structure 1 is a slot table: its volatile words are not in images. */
const SLOTS = 1 as StructureId

/** Every page of every structure, by `structure:page`. */
export type Content = ReadonlyMap<string, Uint8Array>

/** A clock on which every look takes `stepMs`, so that slices end; between slices it calls `between`. */
export function steppingClock(stepMs: number, between: () => void = () => undefined): Clock {
  let nowMs = 0
  return {
    now: () => Math.floor(nowMs),
    monotonic: () => {
      nowMs += stepMs
      return nowMs
    },
    after: () => () => undefined,
    wait: () => Promise.resolve(),
    soon: (fn) => {
      setImmediate(fn)
    },
    yield: () =>
      new Promise((resolve) => {
        setImmediate(() => {
          between()
          resolve()
        })
      }),
  }
}

export function newPlatform(options: { readonly clock?: Clock; readonly seed?: number } = {}): MemoryPlatform {
  const platform = memoryPlatform(options)
  platform.files.makeFolderSync(`${FOLDER}/pages`)
  platform.files.makeFolderSync(`${FOLDER}/log`)
  platform.files.syncFolderSync('/')
  platform.files.syncFolderSync(FOLDER)
  writeRoot(platform, FOLDER, firstRoot(new Uint8Array(32)), KEYS)
  return platform
}

/** One writing open of the pages. */
export class World {
  readonly platform: MemoryPlatform
  readonly store: PageStore
  readonly map: PageMap
  readonly reader: PageSegmentReader
  readonly context: CheckpointContext
  readonly random: SeededRandom
  readonly spaces = new Map<StructureId, PageSpace>()
  /** The content at each C that a checkpoint captured. */
  readonly captured: Map<number, Content>
  root: Root
  lsn: number
  logTail: number
  /** What waitDurable does. */
  durable: () => Promise<void> = async () => undefined
  releasedBelow = 0

  private constructor(
    platform: MemoryPlatform,
    root: Root,
    image: DirectoryImage | undefined,
    options: { readonly seed: number; readonly captured: Map<number, Content> },
  ) {
    this.platform = platform
    this.root = root
    // Above every C that was ever captured: two of them never share a number.
    this.lsn = Math.max(root.checkpoint.lsn, ...options.captured.keys())
    this.logTail = root.logTail
    this.captured = options.captured
    this.random = seededRandom(options.seed)
    const config = { platform, folder: `${FOLDER}/pages`, fileId: FILE_ID, seals: SEALS }
    this.reader = new PageSegmentReader(config)
    this.map = new PageMap(this.reader)
    this.store = new PageStore(new Budget(2 ** 30), (structure, page, target) => this.map.load(structure, page, target))
    if (image !== undefined) {
      this.map.restore(image)
      for (const { structure, meta } of image.structures) this.#addSpace(structure, meta)
    }
    const epochSalt = this.random.fill(new Uint8Array(32))
    this.context = {
      platform,
      folder: FOLDER,
      epochSalt,
      seals: SEALS,
      pages: this.store,
      map: this.map,
      output: new PageOutput(config, root.pageHead, epochSalt),
      directoryNumber: root.directory?.number ?? 0,
      pageRatio: 1.5,
      captureAtBoundary: () => this.#capture(),
      waitDurable: () => this.durable(),
      writeRoot: (next) => {
        writeRoot(platform, FOLDER, next, KEYS)
      },
      afterRoot: (next) => {
        this.root = next
        this.releasedBelow = next.logTail
      },
      markDirty: (structure, page) => {
        this.spaces.get(structure)?.write(page)
      },
    }
  }

  /** Opens what is on disk. */
  static async open(
    platform: MemoryPlatform,
    options: { readonly seed?: number; readonly captured?: Map<number, Content> } = {},
  ): Promise<World> {
    const root = readRoot(platform, FOLDER, KEYS)
    if (root === undefined) throw new Error('the root is lost')
    const image =
      root.directory === undefined
        ? undefined
        : await readDirectory(platform, FOLDER, root.directory, { readOnlyFolder: false, seals: SEALS })
    removeVoidFiles(platform.files, FOLDER, root)
    const captured = options.captured ?? new Map<number, Content>()
    return new World(platform, root, image, { seed: options.seed ?? 1, captured })
  }

  /** Random writes: new pages, changed pages, freed pages, in three structures. */
  scribble(count: number, structures = 3): void {
    for (let i = 0; i < count; i++) {
      const structure = (1 + this.random.below(structures)) as StructureId
      const space = this.spaces.get(structure) ?? this.#addSpace(structure)
      const choice = this.random.below(10)
      if (space.pageCount === 0 || choice < 4) this.fill(space, space.allocate())
      else this.fill(space, this.random.below(space.pageCount))
    }
    this.lsn += 8
  }

  /** Fills one page with noise. */
  fill(space: PageSpace, page: number): void {
    const bytes = this.store.slabs.bytes(space.write(page))
    for (let i = 0; i < 8; i++) bytes[this.random.below(bytes.length)] = this.random.below(256)
  }

  drop(structure: StructureId): void {
    this.spaces.get(structure)?.drop()
    this.spaces.delete(structure)
  }

  /** Copies of all pages as an image shows them. */
  content(): Content {
    const content = new Map<string, Uint8Array>()
    for (const [structure, space] of this.spaces) {
      for (let page = 0; page < space.pageCount; page++) {
        const bytes = this.store.slabs.bytes(space.read(page)).slice()
        if (structure === SLOTS) clearLinks(bytes)
        content.set(`${structure}:${page}`, bytes)
      }
    }
    return content
  }

  /** Evicts all that is clean. */
  evictAll(): void {
    this.store.shrink(Number.POSITIVE_INFINITY)
  }

  async close(): Promise<void> {
    await this.context.output.close()
    this.reader.close()
  }

  #addSpace(structure: StructureId, meta?: { readonly pageCount: number; readonly freeHead: number }): PageSpace {
    const space = new PageSpace(this.store, { structure, persistent: true, ...(meta === undefined ? {} : { meta }) })
    this.spaces.set(structure, space)
    return space
  }

  #capture(): CapturedImage {
    this.captured.set(this.lsn, this.content())
    const structures: StructureImage[] = [...this.spaces].map(([structure, space]) => ({
      structure,
      slots: structure === SLOTS,
      meta: space.meta(),
      numbers: [structure * 2],
    }))
    return {
      position: { lsn: this.lsn as Lsn, chain: 7 },
      commit: (this.lsn / 8) as CommitNumber,
      logTail: this.logTail,
      hashSeed: 99,
      nextCollectionId: 17,
      structures,
      segments: [],
      dataCommits: [],
      frozen: this.store.freeze(),
    }
  }
}

/** Opens a copy of what is on disk and expects the content of the C that its root names. */
export async function expectSound(platform: MemoryPlatform, captured: Map<number, Content>, text = ''): Promise<World> {
  const world = await World.open(platform, { captured: new Map(captured) })
  const wanted = captured.get(world.root.checkpoint.lsn) ?? new Map<string, Uint8Array>()
  expectSame(world.content(), wanted, text)
  return world
}

export function expectSame(found: Content, wanted: Content, text = ''): void {
  expect([...found.keys()].sort(), text).toEqual([...wanted.keys()].sort())
  for (const [name, bytes] of wanted) {
    if (Buffer.compare(found.get(name)!, bytes) !== 0) expect.fail(`${text}: page ${name} differs`)
  }
}

/** The names of the page segments on disk. */
export function pageFiles(platform: MemoryPlatform): number[] {
  return platform.files
    .listSync(`${FOLDER}/pages`)
    .map(Number)
    .sort((a, b) => a - b)
}
