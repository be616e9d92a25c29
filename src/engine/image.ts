/** The engine's part of a checkpoint image: taken in one turn, given back at open. The order of the numbers is fixed here. */
import type { CollectionId, CommitNumber } from '../base/ids.ts'
import type { CapturedImage } from '../gc/checkpoint.ts'
import type { DataCommit, DirectoryImage, SegmentImage, StructureImage } from '../gc/directory-image.ts'
import type { HeapMeta } from '../mvcc/version-heap.ts'
import type { CollectionState } from './collection-state.ts'
import type { Core } from './core.ts'
import type { IndexState } from './index-state.ts'
import { BUCKETS_STRUCTURE, SLOTS_STRUCTURE, structureOf, TEXT_STRUCTURES } from './structures.ts'
import type { StoredTextImage } from './text-indexes.ts'
import type { TextImage } from './text-state.ts'

/** Everything as it is in this turn; the end of the log is C. */
export function captureImage(
  core: Core,
  cleaner: { readonly tail: number; dataCommits(): readonly DataCommit[] },
): CapturedImage {
  for (const finish of core.beforeImage) finish()
  const position = core.log.boundary()
  const structures: StructureImage[] = []
  for (const collection of core.byId.values()) {
    if (collection.heap.slots.space.pageCount === 0) continue
    structures.push(...structuresOf(collection))
    const text = core.texts.of(collection)?.image
    if (text !== undefined) structures.push(textImage(collection, text))
  }
  return {
    position,
    commit: core.installed,
    hashSeed: core.hashSeed,
    nextCollectionId: core.nextCollectionId,
    logTail: cleaner.tail,
    structures,
    segments: segmentImages(core, cleaner.tail),
    dataCommits: cleaner.dataCommits(),
    frozen: core.pages.freeze(),
  }
}

function segmentImages(core: Core, tail: number): SegmentImage[] {
  return core.log
    .segments()
    .filter(({ id }) => id >= tail)
    .map(({ id, sizeBytes, sealed }) => ({ id, sizeBytes: sealed ? sizeBytes : 0, liveBytes: core.liveBytes.of(id) }))
}

function structuresOf(collection: CollectionState): StructureImage[] {
  const { slots, buckets } = collection.heap.meta()
  return [
    {
      structure: structureOf(collection.id, SLOTS_STRUCTURE),
      slots: true,
      meta: { pageCount: slots.pageCount, freeHead: slots.freeHead },
      numbers: [slots.highSlot, slots.freeSlot, slots.liveCount, slots.tombstoneCount, collection.heap.newestCommit],
    },
    {
      structure: structureOf(collection.id, BUCKETS_STRUCTURE),
      slots: false,
      meta: { pageCount: buckets.pageCount, freeHead: buckets.freeHead },
      numbers: [buckets.level, buckets.split, buckets.entryCount],
    },
    ...collection.indexes.filter((index) => index.persistent).map((index) => indexImage(collection, index)),
  ]
}

function indexImage(collection: CollectionState, index: IndexState): StructureImage {
  const { space, numbers } = index.image()
  return {
    structure: structureOf(collection.id, index.part),
    slots: false,
    meta: { pageCount: space.pageCount, freeHead: space.freeHead },
    numbers,
  }
}

function textImage(collection: CollectionState, { part, space, size }: TextImage): StructureImage {
  return { structure: structureOf(collection.id, part), slots: false, meta: space.meta(), numbers: [size] }
}

/** Finds a structure's part of an image. */
export class ImageReader {
  readonly #structures = new Map<number, StructureImage>()

  constructor(image: DirectoryImage | undefined) {
    for (const structure of image?.structures ?? []) this.#structures.set(structure.structure, structure)
  }

  /** The record table of a collection; undefined when it had no records at C. */
  heap(id: CollectionId): { readonly meta: HeapMeta; readonly newestCommit: CommitNumber } | undefined {
    const slots = this.#structures.get(structureOf(id, SLOTS_STRUCTURE))
    const buckets = this.#structures.get(structureOf(id, BUCKETS_STRUCTURE))
    if (slots === undefined || buckets === undefined) return undefined
    const [highSlot = 0, freeSlot = 0, liveCount = 0, tombstoneCount = 0, newestCommit = 0] = slots.numbers
    const [level = 0, split = 0, entryCount = 0] = buckets.numbers
    return {
      meta: {
        slots: { ...slots.meta, highSlot, freeSlot, liveCount, tombstoneCount },
        buckets: { ...buckets.meta, level, split, entryCount },
      },
      newestCommit: newestCommit as CommitNumber,
    }
  }

  /** The image of the text index of a collection. */
  text(id: CollectionId): StoredTextImage | undefined {
    for (const part of TEXT_STRUCTURES) {
      const image = this.structure(id, part)
      if (image !== undefined) return { part, meta: image.meta, size: image.numbers[0] ?? 0 }
    }
    return undefined
  }

  structure(id: CollectionId, part: number): StructureImage | undefined {
    return this.#structures.get(structureOf(id, part))
  }
}
