/**
 * Reads an LMDB environment of one file from its bytes, without LMDB: for the directory, which is read once, whole, and
 * has been verified by its checksum. Loading LMDB's native code takes a process longer than opening a database does, and
 * LMDB trusts the file that it maps; here every offset is checked.
 *
 *   page   := number u64 | transaction u64 | 0 u16 | flags u16 | lower u16 | upper u16 | offset u16 × n | … nodes
 *   meta   := page head | magic u32 | version u32 | address u64 | map size u64 | free tree | main tree | last page u64 | transaction u64
 *   tree   := page size u32 (free tree) | flags u16 | depth u16 | branch, leaf, overflow pages u64 | entries u64 | root u64
 *   branch := child bits 0–31 u32 | child bits 32–47 u16 | key size u16 | key
 *   leaf   := value size u32 | flags u16 | key size u16 | key | value, or with BIG_DATA the number u64 of the page that it begins in
 *
 * Little-endian. Offsets count from behind the page's head. Pages 0 and 1 are metas; the one of the newer transaction
 * holds. Source: mdb.c of liblmdb, data version 2, MDB_meta, MDB_db, MDB_page, MDB_node. Of other versions, and of what
 * else is not expected, nothing is said: LMDB itself then reads the file.
 */

/** The keys are uint32 in the machine's order, the values the caller's own. */
export type LmdbEntry = readonly [key: number, value: Uint8Array]

const PAGE_HEAD = 24
const FLAGS_AT = 18
const LOWER_AT = 20
const BRANCH = 1
const LEAF = 2
const OVERFLOW = 4
const META = 8
/** Of the flags of a page those that say what it is. */
const KINDS = 0x6f

const MAGIC = 0xbeefc0de
const DATA_VERSION = 2
const VERSION_AT = PAGE_HEAD + 4
const FREE_TREE_AT = PAGE_HEAD + 24
const MAIN_TREE_AT = FREE_TREE_AT + 48
const TRANSACTION_AT = MAIN_TREE_AT + 56
const SMALLEST_META = TRANSACTION_AT + 8

const TREE_FLAGS_AT = 4
const TREE_DEPTH_AT = 6
const TREE_ENTRIES_AT = 32
const TREE_ROOT_AT = 40
/** Keys are integers, and nothing else is special. */
const INTEGER_KEYS = 8

const NODE_HEAD = 8
const BIG_DATA = 1
const KEY_SIZE = 4

/** The entries in order; undefined when this is no file that we can read. */
export function readLmdbFile(bytes: Uint8Array): readonly LmdbEntry[] | undefined {
  try {
    return new LmdbFile(bytes).entries()
  } catch (error) {
    // What leads out of the bytes: a DataView says so.
    if (error instanceof RangeError || error instanceof Unexpected) return undefined
    throw error
  }
}

class Unexpected extends Error {}

class LmdbFile {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #entries: LmdbEntry[] = []
  #pageSize = 0
  /** Pages walked: each has its place in one tree only. */
  #walked = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  entries(): readonly LmdbEntry[] {
    const view = this.#view
    this.#pageSize = view.getUint32(FREE_TREE_AT, true)
    check(this.#pageSize >= SMALLEST_META && this.#pageSize <= 0x10000)
    const tree = this.#newestMeta() + MAIN_TREE_AT
    check(view.getUint16(tree + TREE_FLAGS_AT, true) === INTEGER_KEYS)
    const count = this.#u64(tree + TREE_ENTRIES_AT)
    const depth = view.getUint16(tree + TREE_DEPTH_AT, true)
    if (depth > 0) this.#walk(this.#u64(tree + TREE_ROOT_AT), depth)
    check(this.#entries.length === count)
    return this.#entries
  }

  /** Where the meta page of the newest transaction begins. */
  #newestMeta(): number {
    const second = this.#pageSize
    for (const at of [0, second]) {
      check(this.#kindOf(at) === META)
      check(this.#view.getUint32(at + PAGE_HEAD, true) === MAGIC)
      check((this.#view.getUint32(at + VERSION_AT, true) & 0xffff) === DATA_VERSION)
    }
    return this.#u64(TRANSACTION_AT) > this.#u64(second + TRANSACTION_AT) ? 0 : second
  }

  /** All entries below a page; `levels` says how far the leaves are. */
  #walk(page: number, levels: number): void {
    const start = this.#page(page, levels > 1 ? BRANCH : LEAF)
    const count = this.#view.getUint16(start + LOWER_AT, true) >>> 1
    for (let i = 0; i < count; i++) {
      const node = start + PAGE_HEAD + this.#view.getUint16(start + PAGE_HEAD + i * 2, true)
      check(node + NODE_HEAD <= start + this.#pageSize)
      if (levels > 1) this.#walk(this.#child(node), levels - 1)
      else this.#leaf(node)
    }
  }

  #child(node: number): number {
    return this.#view.getUint32(node, true) + this.#view.getUint16(node + 4, true) * 0x100000000
  }

  #leaf(node: number): void {
    const view = this.#view
    const size = view.getUint32(node, true)
    const flags = view.getUint16(node + 4, true)
    check((flags & ~BIG_DATA) === 0 && view.getUint16(node + 6, true) === KEY_SIZE)
    const key = view.getUint32(node + NODE_HEAD, true)
    const previous = this.#entries.at(-1)
    check(previous === undefined || key > previous[0])
    const inline = node + NODE_HEAD + KEY_SIZE
    const start = flags === BIG_DATA ? this.#page(this.#u64(inline), OVERFLOW) + PAGE_HEAD : inline
    check(start + size <= this.#bytes.length)
    this.#entries.push([key, this.#bytes.slice(start, start + size)])
  }

  /** Where a page of the kind that is expected there begins. */
  #page(number: number, kind: number): number {
    const start = number * this.#pageSize
    check(++this.#walked * this.#pageSize <= this.#bytes.length)
    check(start + this.#pageSize <= this.#bytes.length && this.#u64(start) === number)
    check(this.#kindOf(start) === kind)
    return start
  }

  #kindOf(start: number): number {
    return this.#view.getUint16(start + FLAGS_AT, true) & KINDS
  }

  #u64(at: number): number {
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 0x100000000
  }
}

function check(condition: boolean): void {
  if (!condition) throw new Unexpected()
}
