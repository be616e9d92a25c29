import { invariant } from '../../base/invariant.ts'
import { formatPath } from '../../base/path.ts'
import type { Path } from '../../base/values.ts'
import type { Column, LiveSlots } from '../../columns/column.ts'
import type { Preparation, PreparedColumns } from '../../columns/column-set.ts'
import type { DerivedSource, RecordSource } from '../source.ts'

/** Rows that one step builds columns of: some hundreds of microseconds. */
const ROWS_PER_STEP = 2_048

/** The columns of one collection, on their way. */
export class CollectionColumns {
  readonly source: RecordSource
  readonly derived: DerivedSource
  readonly #paths = new Map<string, { readonly path: Path; readonly at: number }>()
  #preparation: Preparation | undefined
  #prepared: PreparedColumns | undefined

  constructor(source: RecordSource) {
    const { derived } = source
    invariant(
      derived !== undefined,
      () => `${source.collection} has no columns; the planner looks before it plans them`,
    )
    this.source = source
    this.derived = derived
  }

  /** Before the first step. */
  want(path: Path): void {
    const name = formatPath(path)
    if (!this.#paths.has(name)) this.#paths.set(name, { path, at: this.#paths.size })
  }

  /** Builds and catches up for a while. True when all is done. */
  step(): boolean {
    this.derived.assertAlive()
    this.#preparation ??= this.derived.columns.prepare([...this.#paths.values()].map(({ path }) => path))
    if (this.#prepared === undefined && this.#preparation.step(ROWS_PER_STEP))
      this.#prepared = this.#preparation.prepared
    return this.#prepared !== undefined
  }

  get live(): LiveSlots {
    return this.#done.live
  }

  /** Why there is no column for a path that was wanted. */
  get refusal(): string | undefined {
    const { columns } = this.#done
    for (const { path, at } of this.#paths.values()) {
      const column = columns[at]!
      if (column.kind === 'refused') return `${formatPath(path)} of ${this.source.collection}: ${column.reason}`
    }
    return undefined
  }

  column(path: Path): Column {
    const at = this.#paths.get(formatPath(path))?.at
    const column = at === undefined ? undefined : this.#done.columns[at]
    invariant(column !== undefined && column.kind !== 'refused', () => `no column of ${formatPath(path)} was prepared`)
    return column
  }

  get #done(): PreparedColumns {
    invariant(this.#prepared !== undefined, () => 'columns are taken before they are prepared')
    return this.#prepared
  }
}
