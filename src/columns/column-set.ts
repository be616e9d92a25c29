/**
 * The columns of one collection. `prepare(paths)` gives a stepper; when it is done the columns are caught up to what was
 * the newest commit at that call, or beyond. The work is done in passes: a pass takes the columns that are late since
 * the same commit (those that are missing: since 0) and walks the zones that had a commit after it. Columns missing
 * together are read together. A pass that is left unfinished is taken up by whoever wants one of its columns next.
 *
 * A column is refused for good reasons only until the collection has doubled. One that was built before and is refused
 * now (a dictionary grown by values that are gone again) is first built anew.
 */
import { invariant } from '../base/invariant.ts'
import { formatPath } from '../base/path.ts'
import type { Path, Value } from '../base/values.ts'
import { type Column, type ColumnRows, type LiveSlots, type RefusedColumn, ZONE_SLOTS } from './column.ts'
import { ColumnBuilder, NO_MEMORY } from './column-builder.ts'
import { LiveBuilder } from './live-slots.ts'

/** Zones of a pass between two looks at the memory it has taken. */
const ZONES_PER_MEMORY_CHECK = 64

/** A column, or the live slots, with how far it is caught up. */
interface Entry {
  readonly path: Path | undefined
  builder: ColumnBuilder | LiveBuilder
  /** All commits up to this one are in it. */
  caughtUp: number
  /** The count of the preparation that used it last. */
  usedAt: number
  /** The mark at which it was refused. */
  refusedAt: number
  pass: Pass | undefined
}

/** One walk over the zones changed since a commit, for some entries. */
interface Pass {
  readonly entries: readonly Entry[]
  readonly since: number
  readonly target: number
  readonly highSlot: number
  zone: number
  /** Kept between the steps: what the runtime has learned of a reader goes with it. */
  tools: Tools | undefined
}

/** What a pass works with while none of its columns is refused. */
interface Tools {
  readonly columns: readonly ColumnBuilder[]
  readonly live: LiveBuilder | undefined
  readonly read: (slot: number, values: (Value | undefined)[]) => void
  /** What it reads into: one array for the whole pass, because code is made for arrays of one kind. */
  readonly values: (Value | undefined)[]
}

/** What a query gets: columns in the order of its paths. Valid for every snapshot up to `caughtUp`, also later. */
export interface PreparedColumns {
  readonly live: LiveSlots
  readonly columns: readonly (Column | RefusedColumn)[]
  readonly caughtUp: number
}

export interface ColumnSetOptions {
  /** Bound of all columns together. The columns of one query may take as much again while they are built. */
  readonly memoryBytes: number
  /** So many distinct numbers stay coded whatever the number of rows. */
  readonly codedNumbers?: number
}

export class ColumnSet {
  readonly #rows: ColumnRows
  readonly #memoryBytes: number
  readonly #makeBuilder: () => ColumnBuilder
  readonly #entries = new Map<string, Entry>()
  readonly #live: Entry = makeEntry(undefined, new LiveBuilder())
  #uses = 0

  constructor(rows: ColumnRows, { memoryBytes, codedNumbers }: ColumnSetOptions) {
    this.#rows = rows
    this.#memoryBytes = memoryBytes
    const limits = { mostBytes: memoryBytes, ...(codedNumbers === undefined ? {} : { codedNumbers }) }
    this.#makeBuilder = () => new ColumnBuilder(limits)
  }

  /** Begins to build or catch up the columns of these paths, and the live slots. */
  prepare(paths: readonly Path[]): Preparation {
    const use = ++this.#uses
    const entries = paths.map((path) => {
      const entry = this.#entryOf(path)
      entry.usedAt = use
      return entry
    })
    return new Preparation({
      rows: this.#rows,
      live: this.#live,
      columns: entries,
      memoryBytes: this.#memoryBytes,
      makeBuilder: this.#makeBuilder,
      whenDone: () => this.#trim(use),
    })
  }

  /** What there is of a path, perhaps not caught up; undefined when it would have to be built. */
  known(path: Path): Column | RefusedColumn | undefined {
    const entry = this.#entries.get(formatPath(path))
    if (entry === undefined || (entry.caughtUp === 0 && this.#rows.newestCommit > 0)) return undefined
    // Entries of paths have a ColumnBuilder.
    return isRefused(entry) && this.#rows.highSlot > 2 * entry.refusedAt
      ? undefined
      : (entry.builder as ColumnBuilder).column()
  }

  /** Bytes of all columns. */
  usedBytes(): number {
    let sum = bytesOf(this.#live)
    for (const entry of this.#entries.values()) sum += bytesOf(entry)
    return sum
  }

  /** Drops columns, the least recently used first, until `bytes` are free; those being built stay. Returns what it freed. */
  shrink(bytes: number): number {
    return this.#drop(bytes, Infinity)
  }

  /** Drops what the bound does not allow, but nothing that preparation `use` or a later one asked for. */
  #trim(use: number): void {
    this.#drop(this.usedBytes() - this.#memoryBytes, use)
  }

  #drop(bytes: number, usedBefore: number): number {
    let freed = 0
    if (bytes <= 0) return freed
    for (const [name, entry] of [...this.#entries].sort((a, b) => a[1].usedAt - b[1].usedAt)) {
      if (freed >= bytes || entry.usedAt >= usedBefore) break
      if (entry.pass !== undefined || isRefused(entry)) continue
      freed += bytesOf(entry)
      this.#entries.delete(name)
    }
    return freed
  }

  #entryOf(path: Path): Entry {
    const name = formatPath(path)
    const known = this.#entries.get(name)
    if (known !== undefined && !(isRefused(known) && this.#rows.highSlot > 2 * known.refusedAt)) return known
    const entry = makeEntry(path, this.#makeBuilder())
    this.#entries.set(name, entry)
    return entry
  }
}

/** What a preparation is given by its set. */
interface PreparationWork {
  readonly rows: ColumnRows
  readonly live: Entry
  readonly columns: readonly Entry[]
  readonly memoryBytes: number
  readonly makeBuilder: () => ColumnBuilder
  readonly whenDone: () => void
}

/** The work before one query. */
export class Preparation {
  readonly #rows: ColumnRows
  readonly #live: Entry
  readonly #columns: readonly Entry[]
  readonly #memoryBytes: number
  readonly #makeBuilder: () => ColumnBuilder
  readonly #whenDone: () => void
  readonly #target: number
  #prepared: PreparedColumns | undefined

  constructor(work: PreparationWork) {
    this.#rows = work.rows
    this.#live = work.live
    this.#columns = work.columns
    this.#memoryBytes = work.memoryBytes
    this.#makeBuilder = work.makeBuilder
    this.#whenDone = work.whenDone
    this.#target = work.rows.newestCommit
  }

  /** Does the work of about that many rows. True when all is done. */
  step(mostRows: number): boolean {
    let left = mostRows
    while (this.#prepared === undefined) {
      const late = this.#firstLate()
      if (late === undefined) {
        this.#prepared = {
          live: this.#liveBuilder().slots(this.#rows.highSlot),
          columns: this.#columns.map(({ builder }) => (builder as ColumnBuilder).column()),
          caughtUp: this.#target,
        }
        this.#whenDone()
        break
      }
      if (left <= 0) return false
      late.pass ??= this.#beginPass(late)
      left -= this.#runPass(late.pass, left)
    }
    return true
  }

  /** All of it at once. */
  finish(): PreparedColumns {
    this.step(Infinity)
    return this.prepared
  }

  get prepared(): PreparedColumns {
    invariant(this.#prepared !== undefined, () => 'columns are taken before they are prepared')
    return this.#prepared
  }

  #liveBuilder(): LiveBuilder {
    // The entry of the live slots is made with one.
    return this.#live.builder as LiveBuilder
  }

  /** One that was refused in a pass is late until the pass ends, because then it may get a second chance. */
  #isLate(entry: Entry): boolean {
    return entry.caughtUp < this.#target && (!isRefused(entry) || entry.pass !== undefined)
  }

  #firstLate(): Entry | undefined {
    return this.#isLate(this.#live) ? this.#live : this.#columns.find((entry) => this.#isLate(entry))
  }

  /** With every other entry of this query that is late since the same commit. */
  #beginPass(first: Entry): Pass {
    const since = first.caughtUp
    const entries = [...new Set([this.#live, ...this.#columns])].filter(
      (entry) => entry.pass === undefined && entry.caughtUp === since && !isRefused(entry),
    )
    const { highSlot, newestCommit } = this.#rows
    const pass: Pass = { entries, since, target: newestCommit, highSlot, zone: 0, tools: undefined }
    for (const entry of entries) {
      entry.pass = pass
      entry.builder.reserve(highSlot)
    }
    return pass
  }

  /** Goes on with a pass, whole zones at a time. Returns the slots it looked at. */
  #runPass(pass: Pass, mostRows: number): number {
    const rows = this.#rows
    let { columns, live, read, values } = this.#toolsOf(pass)
    let looked = 0
    for (; pass.zone * ZONE_SLOTS < pass.highSlot; pass.zone++) {
      if (looked >= mostRows) return looked
      if (rows.zoneCommit(pass.zone) <= pass.since) continue
      if (hasRefused(columns)) {
        ;({ columns, live, read, values } = this.#toolsOf(pass))
      }
      if (columns.length === 0 && live === undefined) break
      const from = pass.zone * ZONE_SLOTS
      const to = Math.min(pass.highSlot, from + ZONE_SLOTS)
      for (let slot = from; slot < to; slot++) {
        const commit = rows.commitOf(slot)
        live?.set(slot, commit !== 0)
        if (columns.length === 0 || (commit !== 0 && commit <= pass.since)) continue
        if (commit === 0) values.fill(undefined)
        else read(slot, values)
        for (let i = 0; i < columns.length; i++) columns[i]!.set(slot, values[i])
      }
      looked += to - from
      if (pass.zone % ZONES_PER_MEMORY_CHECK === 0) this.#boundMemory(pass)
    }
    this.#endPass(pass)
    return looked
  }

  #toolsOf(pass: Pass): Tools {
    if (pass.tools !== undefined && !hasRefused(pass.tools.columns)) return pass.tools
    const wanted = pass.entries.filter((entry) => entry.path !== undefined && !isRefused(entry))
    pass.tools = {
      // Entries with a path have a ColumnBuilder.
      columns: wanted.map(({ builder }) => builder as ColumnBuilder),
      live: pass.entries.includes(this.#live) ? this.#liveBuilder() : undefined,
      read: this.#rows.reader(wanted.map(({ path }) => path!)),
      values: wanted.map(() => undefined),
    }
    return pass.tools
  }

  /** Refuses the largest columns of a pass until the rest fits. */
  #boundMemory(pass: Pass): void {
    let sum = 0
    for (const entry of pass.entries) sum += bytesOf(entry)
    while (sum > this.#memoryBytes) {
      const largest = pass.entries
        .filter((entry) => entry.path !== undefined && !isRefused(entry))
        .sort((a, b) => bytesOf(b) - bytesOf(a))[0]
      if (largest === undefined) return
      sum -= bytesOf(largest)
      // Entries with a path have a ColumnBuilder.
      ;(largest.builder as ColumnBuilder).refuse(NO_MEMORY)
    }
  }

  #endPass(pass: Pass): void {
    this.#boundMemory(pass)
    for (const entry of pass.entries) {
      entry.pass = undefined
      if (isRefused(entry) && pass.since > 0) {
        entry.builder = this.#makeBuilder()
        entry.caughtUp = 0
      } else {
        entry.caughtUp = pass.target
        entry.refusedAt = pass.highSlot
      }
    }
  }
}

function makeEntry(path: Path | undefined, builder: ColumnBuilder | LiveBuilder): Entry {
  return { path, builder, caughtUp: 0, usedAt: 0, refusedAt: 0, pass: undefined }
}

function hasRefused(columns: readonly ColumnBuilder[]): boolean {
  for (let i = 0; i < columns.length; i++) if (columns[i]!.isRefused) return true
  return false
}

function isRefused({ builder }: Entry): boolean {
  return builder instanceof ColumnBuilder && builder.isRefused
}

function bytesOf({ builder }: Entry): number {
  return builder instanceof ColumnBuilder ? builder.bytes : builder.byteSize
}
