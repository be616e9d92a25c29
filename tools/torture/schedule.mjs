/** How long each part runs, and how much a round of it does. */

/** A round of a part takes about this long: long enough to be worth its start, short enough to be interrupted. */
export const ROUND_MS = 60_000
/** Starting a round takes a few seconds, which no effort makes less. */
const START_MS = 4_000
/** From one round to the next the effort grows by this much at most: the first measures are the worst. */
const MOST_GROWTH = 8
/** Tests demand of themselves that they have met what they are for: with less they could not. */
const LEAST_EFFORT = 1

/** Milliseconds for each part, by weight. */
export function shares(parts, minutes) {
  const sum = parts.reduce((total, { weight }) => total + weight, 0)
  return new Map(parts.map(({ name, weight }) => [name, (minutes * 60_000 * weight) / sum]))
}

/** The effort of the next round, after one of `effort` took `tookMs`, when `leftMs` are left. */
export function nextEffort({ effort, tookMs, leftMs, most = Number.POSITIVE_INFINITY }) {
  const wantedMs = Math.max(1_000, Math.min(ROUND_MS, leftMs) - START_MS)
  const growth = Math.min(MOST_GROWTH, wantedMs / Math.max(500, tookMs - START_MS))
  const wanted = Math.min(most, Math.max(LEAST_EFFORT, effort * growth))
  return Number(wanted.toPrecision(2))
}

/** Is there time for one more round? One that has begun is finished, so half of it must fit. */
export function anotherRound(leftMs, tookMs) {
  return leftMs > 0 && leftMs > Math.min(ROUND_MS, tookMs) / 2
}
