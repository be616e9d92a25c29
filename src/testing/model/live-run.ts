/**
 * One run of a database beside its model: the machine, the open database, the model, and what is promised meanwhile.
 *
 *   base ──op──op──op──op──op──►          the writes since the last moment at which everything was surely on the disk
 *                   ▲        ▲
 *                visible    open          acknowledged: the model shows it; open: called, and not heard of yet
 *
 * After a crash the database must show the model after some prefix of the writes that holds all promised ones: the
 * acknowledged, as far as their durability reaches (full: always; relaxed: when only the process died; none: once
 * flushed). Which prefix was found is what the run goes on with.
 */
import { isBlazeError } from '../../base/errors.ts'
import type { CollectionSpecs } from '../../engine/collection-spec.ts'
import type { Database } from '../../engine/database.ts'
import type { OpenOptions } from '../../engine/open-options.ts'
import type { Snapshot } from '../../engine/transaction-handle.ts'
import type { CrashOptions } from '../../platform/memory-platform.ts'
import { checkDatabase } from '../check-database.ts'
import { type FaultyPlatform, type FaultyPlatformOptions, faultyPlatform, openOn } from '../faulty-platform.ts'
import { settle } from '../settle.ts'
import type { ModelKind, ModelRun } from './model-run.ts'

export interface RunSettings<M> extends ModelKind<M> {
  readonly options?: OpenOptions<CollectionSpecs>
  readonly machine?: FaultyPlatformOptions
  /** Done after each open: indexes, say. */
  readonly prepare?: (db: Database<unknown>) => Promise<void>
}

interface Operation<M> {
  readonly apply: (model: M) => string | undefined
  fate: 'open' | 'done'
  got: string | undefined
}

/** Errors after which nothing of a write is there; of COMMIT_UNKNOWN it may be. */
const REFUSED = ['IO', 'DISK_FULL', 'POISONED', 'CLOSED'] as const

const FOLDER = '/db'

/** A database and its model, side by side. */
export class LiveRun<M> implements ModelRun<M> {
  db!: Database<unknown>
  platform: FaultyPlatform
  model: M
  readonly #settings: RunSettings<M>
  #base: M
  #operations: Operation<M>[] = []
  /** How many of the operations the model shows. */
  #shown = 0
  #errors: unknown[] = []
  #snapshots: { readonly snapshot: Snapshot; readonly model: M }[] = []
  /** Counts crashes: what the machine before one still says is of no interest. */
  #life = 0

  private constructor(settings: RunSettings<M>) {
    this.#settings = settings
    this.platform = faultyPlatform(settings.machine ?? {})
    this.#base = settings.model()
    this.model = settings.model()
  }

  /** A run on an empty database. */
  static async begin<M>(settings: RunSettings<M>): Promise<LiveRun<M>> {
    const run = new LiveRun(settings)
    await run.#open()
    return run
  }

  get snapshotCount(): number {
    return this.#snapshots.length
  }

  async write(issue: () => Promise<string | undefined>, apply: (model: M) => string | undefined): Promise<void> {
    this.start(issue, apply)
    await this.idle()
  }

  start(issue: () => Promise<string | undefined>, apply: (model: M) => string | undefined): void {
    const operation: Operation<M> = { apply, fate: 'open', got: undefined }
    const life = this.#life
    this.#operations.push(operation)
    issue().then(
      (got) => {
        if (life !== this.#life) return
        operation.fate = 'done'
        operation.got = got
        this.#show()
      },
      (error: unknown) => {
        if (life === this.#life) this.#failed(operation, error)
      },
    )
  }

  async idle(): Promise<void> {
    while (this.#shown < this.#operations.length && this.#errors.length === 0) await this.turn()
    if (this.#errors.length > 0) throw this.#errors[0]
  }

  turn(): Promise<void> {
    return settle(this.platform, this.platform.clock.yield())
  }

  async check(): Promise<void> {
    await this.idle()
    this.#settings.agrees(this.db, this.model)
  }

  async hold(): Promise<void> {
    await this.idle()
    this.#snapshots.push({ snapshot: this.db.snapshot(), model: this.#settings.copy(this.model) })
  }

  release(index: number): void {
    const [held] = this.#snapshots.splice(index % Math.max(1, this.#snapshots.length), 1)
    if (held === undefined) return
    try {
      this.#settings.agrees(held.snapshot, held.model)
    } finally {
      held.snapshot.close()
    }
  }

  async flushed(flush: () => Promise<void>): Promise<void> {
    await this.idle()
    await flush()
    this.#settled(this.model)
  }

  async reopen(): Promise<void> {
    await this.close()
    await this.#open()
    await this.check()
  }

  async crash(crash: CrashOptions): Promise<void> {
    const left = this.platform.crash(crash)
    const before = this.platform
    this.#life++
    this.#errors = []
    await this.#abandon(before)
    this.platform = left
    await this.#open()
    this.#settled(this.#foundPrefix(crash.mode === 'keep-all'))
  }

  /** Looks at every snapshot, checks the database and closes it. */
  async close(): Promise<void> {
    await this.check()
    while (this.#snapshots.length > 0) this.release(0)
    checkDatabase(this.db)
    await this.db.close()
    this.#settled(this.model)
  }

  /** Closes what a failure has left open. */
  async abandon(): Promise<void> {
    this.#life++
    await this.#abandon(this.platform)
  }

  async #open(): Promise<void> {
    const db = await openOn(this.platform, FOLDER, this.#settings.options ?? {})
    // The same object: what its collections are is a matter of types.
    this.db = db as unknown as Database<unknown>
    await this.#settings.prepare?.(this.db)
  }

  async #abandon(platform: FaultyPlatform): Promise<void> {
    for (const { snapshot } of this.#snapshots.splice(0)) snapshot.close()
    try {
      await settle(platform, this.db.close())
    } catch (error) {
      // Its disk is gone, so it says so; anything else is worth knowing.
      if (!isBlazeError(error)) throw error
    }
  }

  /** Everything so far is on the disk, and the database shows `model`. */
  #settled(model: M): void {
    this.model = model
    this.#base = this.#settings.copy(model)
    this.#operations = []
    this.#shown = 0
  }

  /** Applies to the model what is acknowledged, in the order of the calls. */
  #show(): void {
    for (; this.#operations[this.#shown]?.fate === 'done'; this.#shown++) {
      const { apply, got } = this.#operations[this.#shown]!
      const expected = apply(this.model)
      if (got !== undefined && expected !== undefined && got !== expected) {
        this.#errors.push(new Error(`the database gave ${got}, the model ${expected}`))
      }
    }
  }

  #failed(operation: Operation<M>, error: unknown): void {
    if (REFUSED.some((code) => isBlazeError(error, code))) {
      this.#operations.splice(this.#operations.indexOf(operation), 1)
    }
    this.#errors.push(error)
  }

  /** The shortest promised prefix that the database shows. */
  #foundPrefix(killed: boolean): M {
    const durability = this.#settings.options?.durability ?? 'full'
    const isPromised = durability === 'full' || (durability === 'relaxed' && killed)
    const promised = isPromised ? this.#operations.findLastIndex(({ fate }) => fate === 'done') + 1 : 0
    const candidate = this.#settings.copy(this.#base)
    let difference: unknown
    for (let count = 0; count <= this.#operations.length; count++) {
      if (count > 0) this.#operations[count - 1]!.apply(candidate)
      if (count < promised) continue
      try {
        this.#settings.agrees(this.db, candidate)
        return candidate
      } catch (error) {
        difference ??= error
      }
    }
    const text = difference instanceof Error ? difference.message : String(difference)
    throw new Error(
      `after the crash the database shows no prefix of the ${this.#operations.length} writes that holds the ${promised} promised ones; beside the shortest: ${text}`,
      { cause: difference },
    )
  }
}
