/** From words to terms: what is left of a folded word in the index, by the language and the stop words declared. */
import { foldWord } from './fold.ts'
import { stemEnglish } from './porter2.ts'
import type { TextSpec } from './text-fields.ts'

/** The term of a folded word; undefined for one that is not indexed. */
export type Analyzer = (word: string) => string | undefined

/** Stems that are kept. A text of more different words computes some again. */
const MAX_KNOWN = 8_192

export function newAnalyzer(spec: TextSpec): Analyzer {
  const stops: ReadonlySet<string> = new Set(spec.stopWords?.map(foldWord))
  const stemmed = spec.language === 'english' ? rememberingStemmer() : undefined
  if (stemmed === undefined) return stops.size === 0 ? (word) => word : (word) => (stops.has(word) ? undefined : word)
  return (word) => (stops.has(word) ? undefined : stemmed(word))
}

function rememberingStemmer(): (word: string) => string {
  const known = new Map<string, string>()
  return (word) => {
    let stem = known.get(word)
    if (stem === undefined) {
      stem = stemEnglish(word)
      if (known.size >= MAX_KNOWN) known.clear()
      known.set(word, stem)
    }
    return stem
  }
}
