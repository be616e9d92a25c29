/**
 * A search as data: frozen, JSON-able, made by parse-search.ts from what a user types, or by capture-search.ts from an
 * object. It is not analysed: words are as they were written, and mean what the index makes of them.
 *
 *   term      the words of `text`; several (`re-open`, 東京都) must follow each other like a phrase
 *   phrase    the words of `text`, one after the other
 *   prefix    a word that begins with `text`
 *   fuzzy     a word that is at most `edits` insertions, deletions or replacements of characters away from `text`
 *   and, or   all, one at least
 *   not       within an `and`: takes away what `of` finds. Anywhere else, or in an `and` of nothing but negations, it
 *             finds nothing.
 *
 * A leaf with a `field` looks in that field only.
 */
export type TextQuery =
  | { readonly kind: 'and' | 'or'; readonly of: readonly TextQuery[] }
  | { readonly kind: 'not'; readonly of: TextQuery }
  | TextLeaf

/** What looks for words. */
export type TextLeaf =
  | { readonly kind: 'term' | 'phrase' | 'prefix'; readonly text: string; readonly field?: string }
  | { readonly kind: 'fuzzy'; readonly text: string; readonly edits: 1 | 2; readonly field?: string }

/** Leaves of a query: what a search box takes, and far from what could hurt. */
export const MAX_LEAVES = 256
/** Levels of and, or and not. */
export const MAX_QUERY_DEPTH = 32

/** The query that finds nothing. */
export const NOTHING: TextQuery = Object.freeze({ kind: 'or', of: Object.freeze([]) })

/** All of the queries, or one of them; a single one stands for itself. */
export function combineQueries(kind: 'and' | 'or', of: readonly TextQuery[]): TextQuery {
  return of.length === 1 ? of[0]! : Object.freeze({ kind, of: Object.freeze(of) })
}

/** The query in the syntax of a search box, for explain. */
export function textOfQuery(query: TextQuery): string {
  switch (query.kind) {
    case 'and':
      return query.of.length === 0 ? 'nothing' : query.of.map(partText).join(' ')
    case 'or':
      return query.of.length === 0 ? 'nothing' : query.of.map(partText).join(' OR ')
    case 'not':
      return `-${partText(query.of)}`
    default:
      return leafText(query)
  }
}

function partText(query: TextQuery): string {
  const isGroup = (query.kind === 'and' || query.kind === 'or') && query.of.length > 0
  return isGroup ? `(${textOfQuery(query)})` : textOfQuery(query)
}

function leafText(leaf: TextLeaf): string {
  const field = leaf.field === undefined ? '' : `${leaf.field}:`
  switch (leaf.kind) {
    case 'term':
      return `${field}${leaf.text}`
    case 'phrase':
      return `${field}"${leaf.text}"`
    case 'prefix':
      return `${field}${leaf.text}*`
    case 'fuzzy':
      return `${field}${leaf.text}~${leaf.edits === 1 ? '' : leaf.edits}`
  }
}
