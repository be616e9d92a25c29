/** Adds up what the tests have counted, and says it in one line. */

/** Adds the lines that a round's tests wrote (`{ part, what, count }` each) to totals: part -> what -> count. */
export function addFigures(totals, text) {
  const sum = structuredClone(totals)
  for (const line of text.split('\n')) {
    if (line === '') continue
    const { part, what, count } = JSON.parse(line)
    sum[part] ??= {}
    sum[part][what] = (sum[part][what] ?? 0) + count
  }
  return sum
}

/** `kills: 5,012 SIGKILLs survived, 1,204,331 acknowledged commits, none lost`. */
export function figuresLine(part, counts = {}) {
  const said = Object.entries(counts).map(([what, count]) => `${count.toLocaleString('en-US')} ${what}`)
  return `${part}: ${said.length === 0 ? 'nothing was counted' : said.join(', ')}`
}
