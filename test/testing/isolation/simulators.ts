/**
 * Small databases in memory, each with a known flaw, and random transactions against them. The flaw is all there is of
 * concurrency: operations of open transactions come in random order.
 */
import { type SeededRandom, seededRandom } from '../../../src/platform/seeded-random.ts'
import type { History } from '../../../src/testing/isolation/history.ts'
import { HistoryRecorder, type TransactionLog } from '../../../src/testing/isolation/recorder.ts'

/**
 * `serial` runs one transaction after another; `read-uncommitted` reads and writes in place; `read-committed` reads what is
 * committed at that moment; `snapshot` is snapshot isolation, first committer wins; `lost-update` is that without the check
 * of writes; `serializable` validates reads, too.
 */
export type Flaw = 'serial' | 'read-uncommitted' | 'read-committed' | 'snapshot' | 'lost-update' | 'serializable'
export type Model = 'list' | 'register'

/** What a list or a register holds; the number of its version. */
interface Cell {
  readonly value: readonly number[] | number | null
  readonly version: number
}

class Store {
  readonly cells = new Map<string, Cell>()
  readonly #model: Model
  #version = 0
  constructor(model: Model) {
    this.#model = model
  }

  get(key: string): Cell {
    return this.cells.get(key) ?? { value: this.#model === 'list' ? [] : null, version: 0 }
  }

  put(key: string, value: Cell['value']): void {
    this.cells.set(key, { value, version: ++this.#version })
  }

  copy(): Store {
    const copy = new Store(this.#model)
    for (const [key, cell] of this.cells) copy.cells.set(key, cell)
    return copy
  }
}

interface Settings {
  readonly flaw: Flaw
  readonly model: Model
  readonly transactions: number
  readonly sessions?: number
  readonly keys?: number
  /** Of so many one rolls back. */
  readonly abortOneIn?: number
}

/** A random history of such a database; at its end one transaction reads every key. */
export function simulate(seed: number, settings: Settings): History {
  const random = seededRandom(seed)
  const recorder = new HistoryRecorder()
  const store = new Store(settings.model)
  const { sessions = 4, transactions } = settings
  let left = transactions
  let stamp = 0
  const open: Running[] = []
  const free = Array.from({ length: sessions }, (_, i) => `s${i}`)
  while (left > 0 || open.length > 0) {
    const most = settings.flaw === 'serial' ? 1 : sessions
    if (left > 0 && open.length < most && (open.length === 0 || random.below(3) === 0)) {
      open.push(new Running(store, recorder, free.pop()!, settings, random, () => ++stamp))
      left--
      continue
    }
    const at = random.below(open.length)
    if (!open[at]!.step()) continue
    free.push(open[at]!.session)
    open.splice(at, 1)
  }
  const last = new Running(store, recorder, 'last', settings, random, () => ++stamp)
  last.readAll()
  return recorder.history()
}

class Running {
  readonly session: string
  readonly #store: Store
  readonly #snapshot: Store
  readonly #settings: Settings
  readonly #random: SeededRandom
  readonly #next: () => number
  readonly #log: TransactionLog
  readonly #own = new Map<string, Cell['value']>()
  readonly #appends: [key: string, value: number][] = []
  /** What it has read, by the version. */
  readonly #read = new Map<string, number>()
  #left: number

  constructor(
    store: Store,
    recorder: HistoryRecorder,
    session: string,
    settings: Settings,
    random: SeededRandom,
    next: () => number,
  ) {
    this.#store = store
    this.session = session
    this.#snapshot = settings.flaw === 'serial' ? store : store.copy()
    this.#settings = settings
    this.#random = random
    this.#next = next
    this.#log = recorder.begin(session)
    this.#left = 1 + random.below(4)
  }

  /** One operation, or the end; true when it has ended. */
  step(): boolean {
    if (this.#left-- > 0) {
      this.#operate(`k${this.#random.below(this.#settings.keys ?? 3)}`)
      return false
    }
    const { abortOneIn } = this.#settings
    const gives = abortOneIn !== undefined && this.#random.below(abortOneIn) === 0
    this.#log.end(!gives && this.#commit() ? 'committed' : 'aborted')
    return true
  }

  readAll(): void {
    for (let key = 0; key < (this.#settings.keys ?? 3); key++) this.#get(`k${key}`)
    this.#log.end('committed')
  }

  #operate(key: string): void {
    if (this.#random.below(2) === 0) this.#get(key)
    else if (this.#settings.model === 'list') this.#append(key)
    else {
      // Read first: of blind writes a register does not tell the order.
      this.#get(key)
      this.#put(key, this.#next())
    }
  }

  #get(key: string): void {
    const value = this.#own.has(key) ? this.#own.get(key)! : this.#seen(key).value
    if (this.#settings.model === 'register') this.#log.read(key, value)
    // The cast: cells of this model hold arrays.
    else this.#log.list(key, value as readonly number[])
  }

  #seen(key: string): Cell {
    const { flaw } = this.#settings
    const cell = (flaw === 'read-committed' || flaw === 'read-uncommitted' ? this.#store : this.#snapshot).get(key)
    if (!this.#read.has(key)) this.#read.set(key, cell.version)
    return cell
  }

  #append(key: string): void {
    const value = this.#next()
    this.#log.append(key, value)
    if (this.#settings.flaw === 'read-uncommitted') {
      this.#store.put(key, [...(this.#store.get(key).value as readonly number[]), value])
      return
    }
    // The cast: as above.
    const before = (this.#own.get(key) ?? this.#seen(key).value) as readonly number[]
    this.#own.set(key, [...before, value])
    this.#appends.push([key, value])
  }

  #put(key: string, value: number): void {
    this.#log.write(key, value)
    if (this.#settings.flaw === 'read-uncommitted') this.#store.put(key, value)
    else {
      this.#seen(key)
      this.#own.set(key, value)
    }
  }

  #commit(): boolean {
    const { flaw } = this.#settings
    const changed = (key: string): boolean => this.#store.get(key).version !== this.#read.get(key)
    const checksWrites = flaw === 'snapshot' || flaw === 'serializable'
    if (checksWrites && [...this.#own.keys()].some(changed)) return false
    if (flaw === 'serializable' && [...this.#read.keys()].some(changed)) return false
    for (const [key, value] of this.#own) if (!Array.isArray(value)) this.#store.put(key, value)
    // Read committed appends to what is there: the list is kept, and what was read of it is old.
    for (const [key, value] of this.#appends) {
      const base = flaw === 'read-committed' || flaw === 'lost-update' ? this.#store.get(key).value : undefined
      if (base !== undefined) this.#store.put(key, [...(base as readonly number[]), value])
    }
    if (checksWrites || flaw === 'serial')
      for (const [key, value] of this.#own) if (Array.isArray(value)) this.#store.put(key, value)
    return true
  }
}
