import type { StoredRecord } from '../base/values.ts'
import { captureSearch } from '../text/capture-search.ts'
import { parseSearch } from '../text/parse-search.ts'
import type { PreparedSearch } from '../text/prepared-search.ts'
import type { TextQuery } from '../text/text-query.ts'
import { invalidQuery } from './capture.ts'
import type { SearchClause } from './query-data.ts'
import type { ReadPredicate, RecordSource, TextSource } from './source.ts'

/** The text index of a collection; INVALID_QUERY where none is declared. */
export function textOf({ collection, derived }: RecordSource): TextSource {
  if (derived?.text !== undefined) return derived.text
  const advice = 'declare it with collection({ search: { title: 3, body: 1 } })'
  throw invalidQuery('search', `${collection} has no text search; ${advice}`)
}

/** What a search asks of an index: the fields that it may name are those of the index. */
export function textQueryOf({ asked }: SearchClause, { spec }: TextSource): TextQuery {
  const fields = spec.fields.map(({ path }) => path)
  return typeof asked === 'string' ? parseSearch(asked, fields) : captureSearch(asked, fields)
}

/**
 * A search as a read to be validated: the records that match it, whatever their score. Until it has been prepared it has
 * seen nothing.
 */
export class SearchRead implements ReadPredicate {
  readonly kind = 'filter'
  readonly #filter: ReadPredicate
  readonly #text: TextSource
  /** Set by who runs the search. */
  prepared: PreparedSearch | undefined

  /** `filter`: what else the records must meet. */
  constructor(filter: ReadPredicate, text: TextSource) {
    this.#filter = filter
    this.#text = text
  }

  matches(record: StoredRecord): boolean {
    if (this.prepared === undefined || !this.#filter.matches(record)) return false
    return this.prepared.score(this.#text.textsOf(record)) !== undefined
  }

  get describe(): string {
    return `${this.#filter.describe}, found by a search`
  }
}
