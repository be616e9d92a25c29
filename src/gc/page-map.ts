/**
 * The page map: where each page of each structure lies on disk, and the checksum its frame must have.
 *
 *   (structure, page) ─▶ map page (page >>> 10) ─▶ { segment, offset, frame checksum } ─▶ readPageFrame, verified
 *                             │ cold: loaded through its own place, which the directory holds
 *
 *   map page := (segment u32 | offset u32 | checksum u32 | zero u32) × 1024           segment 0: no image on disk
 *   image    := structure u32 | page u32 | C f64 | bytes 16384                        of map pages: page + 2^31
 *
 * Worked example: a checkpoint calls begin(structures), stage(7, 5, place) for each image it has written, then writes each
 * of stagedMapPages() and says where with stageMapPage(). The directory is made from `mapped` and `pageSegments`, which
 * show the staged state; load() goes on reading the old one. When the new root is durable, commitStaged(); else
 * dropStaged(), and nothing has happened.
 *
 * Invariants: what is staged is not read before it is committed; the live count of a page segment is the number of places
 * (of pages and of map pages) that name it; a page is verified against its map page, a map page against the directory.
 *
 * What it does not do: write, decide what to write, evict (16 B a page stay in memory once read: 8 MB for 8 GB of pages).
 */
import { getU32, setF64, setU32 } from '../base/binary.ts'
import { corrupt, isDamage } from '../base/errors.ts'
import type { Lsn, StructureId } from '../base/ids.ts'
import { invariant } from '../base/invariant.ts'
import { PAGE_SIZE } from '../pages/slabs.ts'
import { FRAME_HEAD } from '../wal/frame.ts'
import { PAGE_ITEM_HEAD, type PageLocation, type PageSegmentReader } from '../wal/page-file.ts'
import type { MappedStructure, PageSegmentImage, StructureImage } from './directory-image.ts'

/** Bytes of an image with its head. */
export const IMAGE_SIZE: number = PAGE_ITEM_HEAD + PAGE_SIZE
/** Bytes that an image takes in a page segment. */
const PAGE_FRAME_SIZE: number = FRAME_HEAD + IMAGE_SIZE

const MAP_BITS = 10
const MAP_ENTRIES = 1024
const ENTRY_WORDS = 4
/** Added to the number of a map page in its image's head, so that it is taken for no page. */
const MAP_PAGE = 0x80000000

interface MapStructure {
  /** Map pages in memory. */
  readonly pages: (Uint32Array | undefined)[]
  /** Where they lie on disk. */
  readonly places: (PageLocation | undefined)[]
}

interface StagedMapPage {
  readonly words: Uint32Array
  /** Its new place, once it is written. */
  place: PageLocation | undefined
}

/** A map page that must be written: `words` is its content, not to be changed. */
export interface MapPageToWrite {
  readonly structure: StructureId
  readonly mapPage: number
  readonly words: Uint32Array
}

/** What of one map page lies in a segment. */
export interface LivePages {
  readonly structure: StructureId
  readonly mapPage: number
  readonly pages: readonly number[]
}

export class PageMap {
  readonly #reader: PageSegmentReader
  readonly #structures = new Map<StructureId, MapStructure>()
  readonly #staged = new Map<StructureId, Map<number, StagedMapPage>>()
  #dropped: StructureId[] = []
  /** The structures of the checkpoint that is being written. */
  #writing: ReadonlySet<StructureId> = new Set()
  /** Bytes used of each page segment that is there: facts, staged or not. */
  readonly #sizes = new Map<number, number>()
  readonly #live = new Map<number, number>()
  readonly #stagedLive = new Map<number, number>()
  /** Map pages that the next checkpoint must write although nothing in them changes, by structure. */
  readonly #moving = new Map<StructureId, Set<number>>()
  readonly #image = new Uint8Array(IMAGE_SIZE)

  constructor(reader: PageSegmentReader) {
    this.#reader = reader
  }

  /** Takes what a directory says. Once, at open. */
  restore(image: {
    readonly structures: readonly MappedStructure[]
    readonly pageSegments: readonly PageSegmentImage[]
  }): void {
    for (const { structure, mapPages } of image.structures) {
      this.#structures.set(structure, { pages: [], places: [...mapPages] })
    }
    for (const { id, sizeBytes, livePages } of image.pageSegments) {
      this.#sizes.set(id, sizeBytes)
      this.#live.set(id, livePages)
    }
  }

  /** The loader of the page store: the image of a page, verified, into `target`. Throws CORRUPT, IO. */
  load(structure: StructureId, page: number, target: Uint8Array): void {
    const place = this.locationOf(structure, page)
    if (place === undefined) {
      throw corrupt('the page map', page, `a place for page ${page} of structure ${structure}`, 'none')
    }
    this.#read(structure, page, place)
    target.set(this.#image.subarray(PAGE_ITEM_HEAD))
  }

  /** True for a structure of the image on disk, and of the one that is being written. */
  has(structure: StructureId): boolean {
    return this.#structures.has(structure) || this.#writing.has(structure)
  }

  /** Where the image of a page lies; undefined when it was never written. */
  locationOf(structure: StructureId, page: number): PageLocation | undefined {
    const map = this.#structures.get(structure)
    const words = map === undefined ? undefined : this.#words(structure, map, page >>> MAP_BITS)
    return words === undefined ? undefined : placeIn(words, page)
  }

  /**
   * Reads every image that is named from its file, one a step: yields what is thrown, or undefined. Where it lies is asked in
   * the turn in which it is read, so that checkpoints may go on between.
   */
  *readAll(): Generator<{ readonly error: unknown } | undefined, void> {
    for (const [structure, map] of [...this.#structures]) {
      for (let mapPage = 0; mapPage < map.places.length; mapPage++) {
        const own = map.places[mapPage]
        if (own === undefined || this.#structures.get(structure) !== map) continue
        const error = caught(() => this.#read(structure, MAP_PAGE + mapPage, own))
        yield error
        if (error !== undefined) continue
        for (let entry = 0; entry < MAP_ENTRIES; entry++) {
          const words = this.#structures.get(structure) === map ? this.#words(structure, map, mapPage) : undefined
          const place = words === undefined ? undefined : placeIn(words, entry)
          if (place !== undefined) yield caught(() => this.#read(structure, (mapPage << MAP_BITS) + entry, place))
        }
      }
    }
  }

  /** Begins a checkpoint of exactly these structures: all others are dropped with it. */
  begin(structures: readonly StructureImage[]): void {
    invariant(this.#staged.size === 0 && this.#dropped.length === 0, () => 'one checkpoint at a time')
    const kept = new Set(structures.map(({ structure }) => structure))
    this.#writing = kept
    for (const [structure, map] of this.#structures) if (!kept.has(structure)) this.#stageDrop(structure, map)
    for (const [structure, mapPages] of this.#moving) {
      if (!kept.has(structure)) continue
      for (const mapPage of mapPages) this.#stagedPage(structure, mapPage)
    }
  }

  /** The new place of a page's image. */
  stage(structure: StructureId, page: number, place: PageLocation): void {
    const { words } = this.#stagedPage(structure, page >>> MAP_BITS)
    const at = (page & (MAP_ENTRIES - 1)) * ENTRY_WORDS
    this.#count(words[at]!, place)
    words[at] = place.segment
    words[at + 1] = place.offset
    words[at + 2] = place.checksum
  }

  /** The map pages that this checkpoint has to write. */
  stagedMapPages(): MapPageToWrite[] {
    const list: MapPageToWrite[] = []
    for (const [structure, pages] of this.#staged) {
      for (const [mapPage, { words }] of pages) list.push({ structure, mapPage, words })
    }
    return list
  }

  /** The new place of a map page. */
  stageMapPage(structure: StructureId, mapPage: number, place: PageLocation): void {
    const staged = this.#stagedPage(structure, mapPage)
    invariant(staged.place === undefined, () => 'a map page is written once a checkpoint')
    this.#count(this.#structures.get(structure)?.places[mapPage]?.segment ?? 0, place)
    staged.place = place
  }

  /** The structures with the places of their map pages, as staged: for the directory. */
  mapped(structures: readonly StructureImage[]): MappedStructure[] {
    return structures.map((image) => {
      const mapPages = [...(this.#structures.get(image.structure)?.places ?? [])]
      for (const [mapPage, { place }] of this.#staged.get(image.structure) ?? []) {
        invariant(place !== undefined, () => `map page ${mapPage} of structure ${image.structure} is written`)
        mapPages[mapPage] = place
      }
      return { ...image, mapPages: Array.from(mapPages) }
    })
  }

  /** The page segments from the staged tail on, ascending: for the directory. */
  pageSegments(): PageSegmentImage[] {
    const segments: PageSegmentImage[] = []
    for (const id of [...this.#sizes.keys()].sort((a, b) => a - b)) {
      const livePages = this.#stagedCount(id)
      if (livePages > 0 || segments.length > 0) segments.push({ id, sizeBytes: this.#sizes.get(id)!, livePages })
    }
    return segments
  }

  /** What was staged is true from here. */
  commitStaged(): void {
    for (const structure of this.#dropped) this.#structures.delete(structure)
    for (const [structure, pages] of this.#staged) {
      const map = this.#structures.get(structure) ?? { pages: [], places: [] }
      this.#structures.set(structure, map)
      for (const [mapPage, { words, place }] of pages) {
        map.pages[mapPage] = words
        map.places[mapPage] = place
      }
    }
    for (const [segment, delta] of this.#stagedLive) this.#live.set(segment, (this.#live.get(segment) ?? 0) + delta)
    this.#moving.clear()
    this.dropStaged()
  }

  /** Nothing was staged. */
  dropStaged(): void {
    this.#staged.clear()
    this.#stagedLive.clear()
    this.#dropped = []
    this.#writing = new Set()
  }

  /** Bytes of all page segments from the oldest one that is there. */
  get totalBytes(): number {
    let sum = 0
    for (const size of this.#sizes.values()) sum += size
    return sum
  }

  /** Bytes of the images that are named. */
  get liveBytes(): number {
    let sum = 0
    for (const count of this.#live.values()) sum += count
    return sum * PAGE_FRAME_SIZE
  }

  /** The oldest page segment above `above` with something live in it; undefined when there is none. */
  oldestLive(above = 0): number | undefined {
    let oldest: number | undefined
    for (const [id, count] of this.#live) {
      if (count > 0 && id > above && (oldest === undefined || id < oldest)) oldest = id
    }
    return oldest
  }

  /** Live places in a segment. */
  livePagesIn(segment: number): number {
    return this.#live.get(segment) ?? 0
  }

  /** A page segment's file is gone. */
  forgetSegment(id: number): void {
    invariant(this.livePagesIn(id) === 0, () => `page segment ${id} holds live pages`)
    this.#reader.forget(id)
    this.#sizes.delete(id)
    this.#live.delete(id)
  }

  /**
   * What lies in a segment, map page by map page; of map pages that lie there themselves also those with no page there.
   * They are marked to be written by the next checkpoint. Reads cold map pages: to be walked in slices. Throws CORRUPT.
   */
  *moveOut(segment: number): Generator<LivePages, void, undefined> {
    let found = 0
    for (const [structure, map] of [...this.#structures]) {
      for (let mapPage = 0; mapPage < map.places.length; mapPage++) {
        const words = this.#words(structure, map, mapPage)
        if (words === undefined) continue
        const pages: number[] = []
        for (let entry = 0; entry < MAP_ENTRIES; entry++) {
          if (words[entry * ENTRY_WORDS] === segment) pages.push((mapPage << MAP_BITS) + entry)
        }
        const own = map.places[mapPage]?.segment === segment
        if (own) this.#markMoving(structure, mapPage)
        found += pages.length + (own ? 1 : 0)
        yield { structure, mapPage, pages }
      }
    }
    // A structure dropped with a damaged map page leaves counts that nothing stands behind.
    this.#live.set(segment, found)
  }

  /** The head of an image: what the bytes behind it are, and of which checkpoint. */
  static writeHead(image: Uint8Array, structure: StructureId, page: number, checkpoint: Lsn): void {
    setU32(image, 0, structure)
    setU32(image, 4, page)
    setF64(image, 8, checkpoint)
  }

  /** The page number in the head of a map page's image. */
  static mapPageNumber(mapPage: number): number {
    return MAP_PAGE + mapPage
  }

  #markMoving(structure: StructureId, mapPage: number): void {
    let pages = this.#moving.get(structure)
    if (pages === undefined) {
      pages = new Set()
      this.#moving.set(structure, pages)
    }
    pages.add(mapPage)
  }

  #stageDrop(structure: StructureId, map: MapStructure): void {
    this.#dropped.push(structure)
    for (let mapPage = 0; mapPage < map.places.length; mapPage++) {
      const own = map.places[mapPage]
      if (own !== undefined) this.#addLive(own.segment, -1)
      const words = this.#wordsIfSound(structure, map, mapPage)
      if (words === undefined) continue
      for (let at = 0; at < words.length; at += ENTRY_WORDS) if (words[at] !== 0) this.#addLive(words[at]!, -1)
    }
  }

  /** Dropping a structure is the way out of damage in it: a map page that cannot be read is left out of the count. */
  #wordsIfSound(structure: StructureId, map: MapStructure, mapPage: number): Uint32Array | undefined {
    try {
      return this.#words(structure, map, mapPage)
    } catch (error) {
      if (isDamage(error)) return undefined
      throw error
    }
  }

  #stagedPage(structure: StructureId, mapPage: number): StagedMapPage {
    let pages = this.#staged.get(structure)
    if (pages === undefined) {
      pages = new Map()
      this.#staged.set(structure, pages)
    }
    let staged = pages.get(mapPage)
    if (staged === undefined) {
      const map = this.#structures.get(structure)
      const words = map === undefined ? undefined : this.#words(structure, map, mapPage)
      staged = { words: words?.slice() ?? new Uint32Array(MAP_ENTRIES * ENTRY_WORDS), place: undefined }
      pages.set(mapPage, staged)
    }
    return staged
  }

  /** The words of a map page, read if it is cold; undefined when there is none. */
  #words(structure: StructureId, map: MapStructure, mapPage: number): Uint32Array | undefined {
    const loaded = map.pages[mapPage]
    if (loaded !== undefined) return loaded
    const place = map.places[mapPage]
    if (place === undefined) return undefined
    this.#read(structure, MAP_PAGE + mapPage, place)
    const words = new Uint32Array(this.#image.slice(PAGE_ITEM_HEAD).buffer)
    map.pages[mapPage] = words
    return words
  }

  /** Reads an image into #image and checks that it says what it was read as. */
  #read(structure: StructureId, page: number, place: PageLocation): void {
    const image = this.#image
    const size = this.#reader.readPageFrame(place, place.checksum, image)
    const foundStructure = getU32(image, 0)
    const foundPage = getU32(image, 4)
    if (size === IMAGE_SIZE && foundStructure === structure && foundPage === page) return
    throw corrupt(
      `pages/${place.segment}`,
      place.offset,
      `page ${page} of structure ${structure}`,
      `page ${foundPage} of structure ${foundStructure}, ${size} bytes`,
    )
  }

  #count(oldSegment: number, place: PageLocation): void {
    if (oldSegment !== 0) this.#addLive(oldSegment, -1)
    this.#addLive(place.segment, 1)
    const end = place.offset + PAGE_FRAME_SIZE
    if (end > (this.#sizes.get(place.segment) ?? 0)) this.#sizes.set(place.segment, end)
  }

  #addLive(segment: number, delta: number): void {
    this.#stagedLive.set(segment, (this.#stagedLive.get(segment) ?? 0) + delta)
  }

  #stagedCount(segment: number): number {
    return (this.#live.get(segment) ?? 0) + (this.#stagedLive.get(segment) ?? 0)
  }
}

function caught(call: () => void): { readonly error: unknown } | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return { error }
  }
}

function placeIn(words: Uint32Array, page: number): PageLocation | undefined {
  const at = (page & (MAP_ENTRIES - 1)) * ENTRY_WORDS
  const segment = words[at]!
  return segment === 0 ? undefined : { segment, offset: words[at + 1]!, checksum: words[at + 2]! }
}
