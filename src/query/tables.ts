import type { QueryRunner, RecordSource } from './source.ts'

/** The collections that one run of a query reads: each opened once, all at one snapshot, closed together. */
export class Tables {
  readonly #runner: QueryRunner
  readonly #sources = new Map<string, RecordSource>()

  constructor(runner: QueryRunner) {
    this.#runner = runner
  }

  /** The collection at the run's snapshot. All must be asked for in the turn in which the run begins. */
  open(collection: string): RecordSource {
    const known = this.#sources.get(collection)
    if (known !== undefined) return known
    const source = this.#runner.open(collection)
    this.#sources.set(collection, source)
    return source
  }

  close(): void {
    for (const source of this.#sources.values()) source.close()
  }
}
