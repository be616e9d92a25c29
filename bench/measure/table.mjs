/**
 * A row of the table: figures by contestant, and goals about them.
 *
 *   { id, title, unit, better: 'lower' | 'higher', n, figures: { contestant: number }, goals: [goal], note?,
 *     baseline?, absent?: { contestant: reason }, noisy? }
 *
 * `baseline`: a contestant that each is also set against. `absent`: who has no figure, and why.
 * `noisy`: the same work, measured twice, differed: no goal is judged.
 *
 * A goal is about `of` (blazedb unless said): `{ against, times }` at least so many times better than a peer;
 * `{ against, within }` costs at most so many times as much; `{ atMost }` a figure.
 */
export const SUBJECT = 'blazedb'

/** Goals with what was measured: `{ text, ratio?, met }`; `met` is undefined when a peer is missing or the row is noisy. */
export function judged(row) {
  const goals = (row.goals ?? []).map((goal) => judgedGoal(row, goal))
  return row.noisy ? goals.map((goal) => ({ ...goal, met: undefined })) : goals
}

function judgedGoal(row, goal) {
  const of = goal.of ?? SUBJECT
  const figure = row.figures[of]
  if (goal.against === undefined) {
    return { ...goal, of, text: `≤ ${show(goal.atMost)} ${row.unit}`, met: figure && figure <= goal.atMost }
  }
  const other = row.figures[goal.against]
  if (goal.within !== undefined) {
    const ratio = other && figure / other
    return { ...goal, of, ratio, text: `≤ ${goal.within}× ${goal.against}`, met: ratio && ratio <= goal.within }
  }
  const ratio = timesBetter(row, of, goal.against)
  return { ...goal, of, ratio, text: `≥ ${goal.times}× ${goal.against}`, met: ratio && ratio >= goal.times }
}

/** How many times better `of` is than `other`; undefined when one of them is missing. */
export function timesBetter({ figures, better }, of, other) {
  if (figures[of] === undefined || figures[other] === undefined) return undefined
  return better === 'lower' ? figures[other] / figures[of] : figures[of] / figures[other]
}

/** The row as lines of text. */
export function printed(row, missing) {
  const lines = [`\n${row.id}: ${row.title}  (n = ${row.n}, ${row.unit}, ${row.better} is better)`]
  for (const [name, figure] of Object.entries(row.figures)) {
    const ratio = name === SUBJECT ? undefined : timesBetter(row, SUBJECT, name)
    const beside = ratio === undefined || row.ratios === false ? '' : `blazedb ${ratio.toFixed(2)}×`
    lines.push(`  ${name.padEnd(34)} ${show(figure).padStart(12)}   ${besideBaseline(row, name)}${beside}`.trimEnd())
  }
  for (const [name, reason] of Object.entries(row.absent ?? {})) lines.push(`  ${name.padEnd(34)} ${reason}`)
  for (const name of missing) {
    if (row.goals?.some(({ against }) => against === name)) lines.push(`  ${name.padEnd(34)} not installed`)
  }
  for (const { of, text, ratio, met } of judged(row)) {
    const verdict = met === undefined ? 'not measured' : met ? 'met' : 'MISSED'
    const measured = ratio === undefined ? '' : ` (${ratio.toFixed(2)}×)`
    lines.push(`  goal ${verdict.padEnd(12)} ${of === SUBJECT ? '' : `${of}: `}${text}${measured}`)
  }
  if (row.note !== undefined) lines.push(`  ${row.note}`)
  return lines.join('\n')
}

/** A share of the baseline for sizes, a multiple of its speed for all else. */
function besideBaseline(row, name) {
  if (row.baseline === undefined) return ''
  const ratio = timesBetter(row, name, row.baseline)
  if (ratio === undefined) return ''
  const text = row.unit.startsWith('bytes') ? `${(100 / ratio).toFixed(1)} %` : `${ratio.toFixed(2)}×`
  return `${text.padStart(8)} ${row.baseline}   `
}

export function show(figure) {
  if (figure === undefined) return '–'
  if (figure >= 1000) return Math.round(figure).toLocaleString('en-US')
  return figure >= 10 ? figure.toFixed(1) : figure.toFixed(3)
}
