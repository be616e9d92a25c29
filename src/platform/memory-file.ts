/**
 * One file of the memory twin: what the operating system shows, and what a power cut would leave.
 *
 *   content   ┌────────┬────────┬────────┐   what every descriptor reads
 *   history   │        │ v1 v2  │ v1     │   per sector of 512 bytes: its content after each write not yet on the device
 *   durable   └────────┴────────┴────────┘   what surely survives
 *
 * A device writes whole sectors and in any order, and the page cache hands it a sector as it stood at some moment. So a
 * power cut leaves each sector, independently of all others, as `durable` or as one of its versions; and the size,
 * which is metadata, as the durable one or one of those it had since. That is more than any one device does, and it is
 * all that a device may do.
 *
 * Invariants: a sector without history is equal in content and durable; versions carry ascending sequence numbers.
 *
 * Example: durable "aaaa", a plain write of "bbbb" over two sectors: a cut may leave aa, bb, ab or ba; after a sync, bb.
 */
import { invariant } from '../base/invariant.ts'

/** The grain at which a device tears. */
const SECTOR_BYTES = 512

/** Picks one of `count` alternatives, 0 to count − 1; how a crash decides what survived. */
export type Choose = (count: number) => number

interface SectorVersion {
  readonly order: number
  readonly bytes: Uint8Array
}

interface SectorHistory {
  versions: SectorVersion[]
  /** A sync failed with these versions in it: the system calls them clean, and no later sync will write them. */
  markedClean: boolean
}

interface SizeChange {
  readonly order: number
  readonly size: number
  readonly shrinks: boolean
}

/** Content, history and durable state of one file. */
export class MemoryFile {
  #content = new Uint8Array(0)
  #size = 0
  #durable = new Uint8Array(0)
  #durableSize = 0
  #history = new Map<number, SectorHistory>()
  #sizeChanges: SizeChange[] = []
  #order = 0

  /** A file whose bytes are all durable. */
  static of(bytes: Uint8Array): MemoryFile {
    const file = new MemoryFile()
    file.#content = grown(file.#content, bytes.length)
    file.#content.set(bytes)
    file.#durable = file.#content.slice()
    file.#size = file.#durableSize = bytes.length
    return file
  }

  get size(): number {
    return this.#size
  }

  /** The moment now, for {@link sync}: what is written later is not covered by a sync that began before. */
  get order(): number {
    return this.#order
  }

  read(target: Uint8Array, offset: number, size: number, position: number): number {
    const count = Math.max(0, Math.min(size, this.#size - position, target.length - offset))
    target.set(this.#content.subarray(position, position + count), offset)
    return count
  }

  /** A plain write: shown at once, durable by a later sync. */
  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return
    this.#show(bytes, position)
    const order = ++this.#order
    this.#remember(order, position, position + bytes.length)
    if (position + bytes.length > this.#size) this.#resize(order, position + bytes.length)
  }

  /**
   * A write with O_DSYNC: its sectors are durable when it returns, and the size if they need it or a cut is pending (the
   * inode is written with them); nothing else is.
   */
  writeDurable(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return
    this.#show(bytes, position)
    const end = position + bytes.length
    if (end > this.#size) this.#resize(++this.#order, end)
    if (end > this.#durableSize || this.#sizeChanges.some(isShrink)) this.#settleSize(this.#order)
    const from = position - (position % SECTOR_BYTES)
    const to = Math.min(sectorEnd(end), this.#content.length)
    this.#durable = grown(this.#durable, to)
    this.#durable.set(this.#content.subarray(from, to), from)
    if (this.#history.size > 0) {
      for (let sector = from / SECTOR_BYTES; sector * SECTOR_BYTES < end; sector++) this.#history.delete(sector)
    }
  }

  truncate(size: number): void {
    const order = ++this.#order
    if (size < this.#size) {
      this.#content.fill(0, size, this.#size)
      const partEnd = Math.min(sectorEnd(size), this.#size)
      if (partEnd > size) this.#remember(order, size, partEnd)
    }
    this.#resize(order, size)
  }

  /** fdatasync: makes durable what was written up to moment `order`. */
  sync(order: number): void {
    this.#settleSize(order)
    for (const [sector, history] of this.#history) {
      if (history.markedClean) continue
      const written = history.versions.findLast((version) => version.order <= order)
      if (written === undefined) continue
      this.#setDurable(sector, written.bytes)
      history.versions = history.versions.filter((version) => version.order > order)
      if (history.versions.length === 0) this.#history.delete(sector)
    }
  }

  /** A sync that failed: its data stay in the air for ever, and the next sync will not say so. */
  failSync(): void {
    for (const history of this.#history.values()) history.markedClean = true
  }

  /** A copy of what every descriptor reads. */
  contentCopy(): Uint8Array {
    return this.#content.slice(0, this.#size)
  }

  /** A copy of what surely survives a power cut. */
  durableCopy(): Uint8Array {
    return grown(this.#durable, this.#durableSize).slice(0, this.#durableSize)
  }

  /** What one power cut leaves; `choose` decides for the size, then for each sector in ascending order. */
  tornCopy(choose: Choose): Uint8Array {
    const sizePick = this.#sizeChanges.length === 0 ? 0 : choose(this.#sizeChanges.length + 1)
    const committed = this.#sizeChanges.slice(0, sizePick)
    const size = committed.at(-1)?.size ?? this.#durableSize
    const result = new Uint8Array(sectorEnd(Math.max(size, this.#durable.length)))
    result.set(this.#durable) // also what a sector holds beyond the size: it is there when the size grows
    for (const change of committed) if (change.shrinks) result.fill(0, change.size)

    for (const sector of [...this.#history.keys()].sort((x, y) => x - y)) {
      const at = sector * SECTOR_BYTES
      if (at >= size) continue
      // A cut that has reached the device took the older versions with it; of the sector it cut in two it left its own.
      const cut = committed.findLast((change) => change.shrinks && change.size < at + SECTOR_BYTES)?.order ?? 0
      const versions = this.#history.get(sector)!.versions.filter((version) => version.order >= cut)
      if (versions.length === 0) continue
      const base = versions[0]!.order === cut ? 0 : 1
      const pick = choose(versions.length + base) - base
      if (pick >= 0) result.set(versions[pick]!.bytes, at)
    }
    return result.slice(0, size)
  }

  /** An independent copy with the same history. */
  clone(): MemoryFile {
    const copy = new MemoryFile()
    copy.#content = this.#content.slice()
    copy.#size = this.#size
    copy.#durable = this.#durable.slice()
    copy.#durableSize = this.#durableSize
    copy.#sizeChanges = [...this.#sizeChanges]
    copy.#order = this.#order
    for (const [sector, { versions, markedClean }] of this.#history) {
      copy.#history.set(sector, { versions: [...versions], markedClean })
    }
    return copy
  }

  #show(bytes: Uint8Array, position: number): void {
    this.#content = grown(this.#content, position + bytes.length)
    this.#content.set(bytes, position)
  }

  /** Notes the present content of the sectors that [start, end) touches. */
  #remember(order: number, start: number, end: number): void {
    const from = start - (start % SECTOR_BYTES)
    const copy = new Uint8Array(sectorEnd(end) - from)
    copy.set(this.#content.subarray(from, Math.min(sectorEnd(end), this.#content.length)))
    for (let at = 0; at < copy.length; at += SECTOR_BYTES) {
      const sector = (from + at) / SECTOR_BYTES
      const version = { order, bytes: copy.subarray(at, at + SECTOR_BYTES) }
      const history = this.#history.get(sector)
      if (history === undefined) this.#history.set(sector, { versions: [version], markedClean: false })
      else {
        history.versions.push(version)
        history.markedClean = false
      }
    }
  }

  #resize(order: number, size: number): void {
    if (size === this.#size) return
    this.#sizeChanges.push({ order, size, shrinks: size < this.#size })
    this.#content = grown(this.#content, size)
    this.#size = size
  }

  /** Makes the size changes up to `order` durable; a cut drops what lay beyond it. */
  #settleSize(order: number): void {
    let count = 0
    for (const change of this.#sizeChanges) {
      if (change.order > order) break
      count++
      this.#durableSize = change.size
      if (change.shrinks) this.#cutDurable(change)
    }
    this.#sizeChanges.splice(0, count)
  }

  #cutDurable(change: SizeChange): void {
    this.#durable.fill(0, Math.min(change.size, this.#durable.length))
    for (const [sector, history] of this.#history) {
      if ((sector + 1) * SECTOR_BYTES <= change.size) continue
      const own = history.versions.find((version) => version.order === change.order)
      if (own !== undefined) this.#setDurable(sector, own.bytes)
      history.versions = history.versions.filter((version) => version.order > change.order)
      if (history.versions.length === 0) this.#history.delete(sector)
    }
  }

  #setDurable(sector: number, bytes: Uint8Array): void {
    invariant(bytes.length === SECTOR_BYTES, () => `a version holds a whole sector, not ${bytes.length} bytes`)
    const at = sector * SECTOR_BYTES
    this.#durable = grown(this.#durable, at + SECTOR_BYTES)
    this.#durable.set(bytes, at)
  }
}

function sectorEnd(size: number): number {
  return Math.ceil(size / SECTOR_BYTES) * SECTOR_BYTES
}

/** `bytes`, or a copy with room for `size`, zeros behind; whole sectors, at least doubling. */
function grown(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  if (bytes.length >= size) return bytes
  const larger = new Uint8Array(sectorEnd(Math.max(size, bytes.length * 2)))
  larger.set(bytes)
  return larger
}

function isShrink(change: SizeChange): boolean {
  return change.shrinks
}
