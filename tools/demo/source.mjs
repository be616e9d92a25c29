/** The source of a function as it stands in its file: what the demonstration shows is what it runs. */

/** A function's body, its indentation taken off. @param {Function} fn @returns {string[]} */
export function sourceLines(fn) {
  const lines = fn.toString().split('\n')
  const body = lines.length > 2 ? lines.slice(1, -1) : lines
  const margin = Math.min(...body.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)))
  return body.map((line) => line.slice(margin))
}

/**
 * @typedef {'comment' | 'string' | 'number' | 'keyword'} Token
 */
const TOKENS =
  /(?<comment>\/\/.*$)|(?<string>'(?:[^'\\]|\\.)*'|`[^`]*`)|(?<keyword>\b(?:async|await|const|let|for|of|if|else|while|return|new|function)\b)|(?<number>\b\d[\d_.]*\b)/g

/** One line, its tokens painted. @param {string} line @param {Record<Token, (text: string) => string>} paints */
export function highlight(line, paints) {
  return line.replace(TOKENS, (text, ...rest) => {
    /** @type {Record<Token, string | undefined>} */
    const groups = rest.at(-1)
    if (groups.comment !== undefined) return paints.comment(text)
    if (groups.string !== undefined) return paints.string(text)
    return groups.keyword !== undefined ? paints.keyword(text) : paints.number(text)
  })
}
