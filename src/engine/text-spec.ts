/** What a collection declares of its text search, as the text index and the catalogue have it. */
import { BlazeError } from '../base/errors.ts'
import { formatPath, parsePath } from '../base/path.ts'
import type { Value } from '../base/values.ts'
import { fieldWeights, type TextSpec } from '../text/text-fields.ts'
import { assertKnown } from './known-options.ts'

/** How the words of a collection's texts are indexed. */
export interface SearchOptions {
  /** Words are reduced to their stems. */
  readonly language?: 'english'
  /** Words that are not indexed, and are passed over in searches. */
  readonly stopWords?: readonly string[]
}

/** What of a collection's options is about text. */
export interface SearchDeclaration {
  /**
   * Text search over these fields (strings, and arrays of strings), and how much a word in each counts:
   * `{ title: 3, body: 1 }`. The wanted state, as `indexes`: another declaration is another index, without one it goes.
   */
  readonly search?: { readonly [path: string]: number }
  readonly searchOptions?: SearchOptions
}

/** The declared index; undefined without `search`. INVALID_ARGUMENT. */
export function textSpecOf(options: SearchDeclaration): TextSpec | undefined {
  const { search, searchOptions } = options
  if (search === undefined) {
    if (searchOptions === undefined) return undefined
    throw invalid('searchOptions', 'searchOptions is for a collection with search: { field: weight }')
  }
  if (typeof search !== 'object' || search === null || Array.isArray(search)) {
    throw invalid('search', "search is an object of weights by field, as { title: 3, 'author.name': 1 }")
  }
  const fields = Object.entries(search).map(([path, weight]) => ({ path: formatPath(parsePath(path)), weight }))
  const spec = { fields, ...checkedOptions(searchOptions ?? {}) }
  fieldWeights(fields)
  return spec
}

function checkedOptions(options: SearchOptions): Omit<TextSpec, 'fields'> {
  assertKnown('searchOptions', options, ['language', 'stopWords'])
  const { language, stopWords } = options
  if (language !== undefined && language !== 'english') {
    throw invalid('language', `language is 'english' or not given, found ${JSON.stringify(language)}`)
  }
  if (stopWords !== undefined && !(Array.isArray(stopWords) && stopWords.every((word) => typeof word === 'string'))) {
    throw invalid('stopWords', 'stopWords is an array of words')
  }
  return {
    ...(language === undefined ? {} : { language }),
    ...(stopWords === undefined ? {} : { stopWords: [...new Set(stopWords)].sort() }),
  }
}

export function sameTextSpec(a: TextSpec | undefined, b: TextSpec | undefined): boolean {
  return JSON.stringify(a && storedTextSpec(a)) === JSON.stringify(b && storedTextSpec(b))
}

/** What the catalogue holds of it. */
export function storedTextSpec({ fields, language, stopWords }: TextSpec): { readonly [name: string]: Value } {
  return {
    fields: fields.map(({ path, weight = 1 }) => ({ path, weight })),
    language: language ?? null,
    stopWords: stopWords === undefined ? null : [...stopWords],
  }
}

/** The spec of what the catalogue holds. Nothing is held of a collection without search, also by those of before. */
export function readTextSpec(stored: unknown): TextSpec | undefined {
  if (stored === undefined || stored === null) return undefined
  // It was written by storedTextSpec.
  const { fields, language, stopWords } = stored as {
    readonly fields: TextSpec['fields']
    readonly language: 'english' | null
    readonly stopWords: readonly string[] | null
  }
  return {
    fields,
    ...(language === null ? {} : { language }),
    ...(stopWords === null ? {} : { stopWords }),
  }
}

function invalid(argument: string, text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}; nothing was opened or changed`, { argument })
}
