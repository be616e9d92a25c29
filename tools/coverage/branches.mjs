/** Reads one file's part of a coverage report (istanbul's form). */

/** How many branches there are and were taken; `missed`: where the others begin, as line:column. */
export function branchesOf({ branchMap, b }) {
  const missed = []
  let count = 0
  for (const [id, hits] of Object.entries(b)) {
    for (const [way, taken] of hits.entries()) {
      count++
      if (taken > 0) continue
      const { start } = branchMap[id].locations[way] ?? branchMap[id].loc
      const { line, column } = start.line === undefined ? branchMap[id].loc.start : start
      missed.push(`${line}:${column}`)
    }
  }
  return { count, taken: count - missed.length, missed }
}

/** The sum over files. A part without branches is covered. */
export function summary(files) {
  let count = 0
  let taken = 0
  for (const each of files) {
    count += each.count
    taken += each.taken
  }
  return { count, taken, percent: count === 0 ? 100 : (100 * taken) / count }
}
