import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Lsn, StructureId } from '../../src/base/ids.ts'
import type { StructureImage } from '../../src/gc/directory-image.ts'
import { IMAGE_SIZE, PageMap } from '../../src/gc/page-map.ts'
import { PageOutput } from '../../src/gc/page-output.ts'
import { memoryPlatform } from '../../src/platform/memory-platform.ts'
import { PAGE_ITEM_HEAD, type PageLocation, PageSegmentReader } from '../../src/wal/page-file.ts'
import { effort } from '../support/effort.ts'
import { plainSealsOf } from '../support/seals.ts'
import { seed } from '../support/seed.ts'

const FOLDER = '/pages'
const FILE_ID = new Uint8Array(16).fill(9)
const STRUCTURES = [1, 2, 3] as StructureId[]

/** Writes images and stages them; what it commits is also kept in a plain map. */
class Harness {
  readonly platform = memoryPlatform()
  readonly config = { platform: this.platform, folder: FOLDER, fileId: FILE_ID, seals: plainSealsOf(FILE_ID) }
  readonly salt = new Uint8Array(32).fill(3)
  readonly places = new Map<string, PageLocation>()
  readonly mapPlaces = new Map<string, PageLocation>()
  output: PageOutput
  reader: PageSegmentReader
  map: PageMap

  constructor() {
    this.platform.files.makeFolderSync(FOLDER)
    this.output = new PageOutput(this.config, 0, this.salt)
    this.reader = new PageSegmentReader(this.config)
    this.map = new PageMap(this.reader)
  }

  images(structures: readonly StructureId[]): StructureImage[] {
    return structures.map((structure) => ({
      structure,
      slots: false,
      meta: { pageCount: 0, freeHead: 0 },
      numbers: [],
    }))
  }

  /** One checkpoint of these pages; `commit` false: it fails at its end. Gives the directory's part. */
  async checkpoint(
    structures: readonly StructureId[],
    pages: readonly (readonly [StructureId, number])[],
    commit: boolean,
  ): Promise<Parameters<PageMap['restore']>[0]> {
    const { map, output } = this
    map.begin(this.images(structures))
    const staged = new Map<string, PageLocation>()
    const stagedMaps = new Map<string, PageLocation>()
    for (const [structure, page] of pages) {
      const place = output.append(imageOf(structure, page))
      map.stage(structure, page, place)
      staged.set(`${structure}:${page}`, place)
    }
    for (const { structure, mapPage, words } of map.stagedMapPages()) {
      const image = imageOf(structure, PageMap.mapPageNumber(mapPage))
      image.set(new Uint8Array(words.buffer), PAGE_ITEM_HEAD)
      const place = output.append(image)
      map.stageMapPage(structure, mapPage, place)
      stagedMaps.set(`${structure}:${mapPage}`, place)
    }
    await output.sync()
    const directory = { structures: map.mapped(this.images(structures)), pageSegments: map.pageSegments() }
    if (!commit) {
      map.dropStaged()
      await output.abandon()
      return directory
    }
    map.commitStaged()
    for (const known of [this.places, this.mapPlaces]) {
      for (const key of known.keys()) if (!structures.some((each) => key.startsWith(`${each}:`))) known.delete(key)
    }
    for (const [key, place] of staged) this.places.set(key, place)
    for (const [key, place] of stagedMaps) this.mapPlaces.set(key, place)
    return directory
  }

  expectLike(map: PageMap): void {
    for (const structure of STRUCTURES) {
      for (const page of PAGES) expect(map.locationOf(structure, page)).toEqual(this.places.get(`${structure}:${page}`))
    }
    const live = new Map<number, number>()
    for (const { segment } of [...this.places.values(), ...this.mapPlaces.values()]) {
      live.set(segment, (live.get(segment) ?? 0) + 1)
    }
    for (let segment = 1; segment <= this.output.head; segment++) {
      expect(map.livePagesIn(segment), `segment ${segment}`).toBe(live.get(segment) ?? 0)
    }
    expect(map.oldestLive()).toBe([...live.keys()].sort((a, b) => a - b)[0])
  }

  async close(): Promise<void> {
    await this.output.close()
    this.reader.close()
  }
}

function imageOf(structure: StructureId, page: number): Uint8Array {
  const image = new Uint8Array(IMAGE_SIZE)
  PageMap.writeHead(image, structure, page, 1 as Lsn)
  image[PAGE_ITEM_HEAD] = structure
  image[PAGE_ITEM_HEAD + 1] = page
  return image
}

const PAGES = [0, 1, 5, 1023, 1024, 3000]
const page = fc.tuple(fc.constantFrom(...STRUCTURES), fc.constantFrom(...PAGES))
const round = fc.record({
  pages: fc.uniqueArray(page, { maxLength: 6, selector: ([structure, number]) => `${structure}:${number}` }),
  dropped: fc.option(fc.constantFrom(...STRUCTURES), { freq: 5, nil: undefined }),
  commit: fc.boolean(),
  reopen: fc.boolean(),
})

test('the map names what was committed last, and counts what is live, as a plain map does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 8 }), async (rounds) => {
      const harness = new Harness()
      for (const { pages, dropped, commit, reopen } of rounds) {
        const kept = STRUCTURES.filter((structure) => structure !== dropped)
        const written = pages.filter(([structure]) => structure !== dropped)
        const directory = await harness.checkpoint(kept, written, commit)
        harness.expectLike(harness.map)
        if (!reopen || !commit) continue
        const map = new PageMap(harness.reader)
        map.restore(directory)
        harness.map = map
        harness.expectLike(map)
      }
      await harness.close()
    }),
    { seed: seed(), numRuns: effort(60) },
  )
})

test('what is moved out of a segment is every live page of it, and its map pages are written by the next checkpoint', async () => {
  const harness = new Harness()
  const [one, two] = STRUCTURES as [StructureId, StructureId]
  await harness.checkpoint(
    [one, two],
    [
      [one, 0],
      [one, 1024],
      [two, 5],
    ],
    true,
  )
  await harness.checkpoint([one, two], [[one, 0]], false)
  await harness.checkpoint([one, two], [[one, 0]], true)
  const moved = [...harness.map.moveOut(1)]
  expect(moved.flatMap(({ structure, pages }) => pages.map((each) => `${structure}:${each}`))).toEqual([
    '1:1024',
    '2:5',
  ])
  harness.map.begin(harness.images([one, two]))
  expect(harness.map.stagedMapPages().map(({ structure, mapPage }) => `${structure}:${mapPage}`)).toEqual([
    '1:1',
    '2:0',
  ])
  await harness.close()
})

test('an image is taken for no other page', async () => {
  const harness = new Harness()
  const [one] = STRUCTURES as [StructureId]
  const place = harness.output.append(imageOf(one, 7))
  await harness.output.sync()
  harness.map.begin(harness.images([one]))
  harness.map.stage(one, 8, place)
  for (const { structure, mapPage } of harness.map.stagedMapPages()) harness.map.stageMapPage(structure, mapPage, place)
  harness.map.commitStaged()
  const target = new Uint8Array(16384)
  expect(() => harness.map.load(one, 8, target)).toThrow('expected page 8 of structure 1, found page 7')
  expect(() => harness.map.load(one, 9, target)).toThrow('found none')
  await harness.close()
})
