import type { Predicate } from './query-data.ts'

/**
 * A condition made by `and`, `or` or `not`, to be given to `where` or combined further. T is the record it is about:
 * a filter for a supertype will do, one for another collection will not compile.
 */
export class Filter<in T> {
  /** For the type checker only: there is no such property. */
  declare readonly '~record': (record: T) => void
  readonly predicate: Predicate
  constructor(predicate: Predicate) {
    this.predicate = predicate
    Object.freeze(this)
  }
}
