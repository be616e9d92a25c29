/** What lies between a begin and an end. */
export interface Interval {
  readonly begin: number
  readonly end: number
}

/**
 * Calls back for pairs of which the first had ended when the second began, without those that follow from others: as
 * many as are open at once for each, not all before it. The numbers are places in `intervals`.
 */
export function visitIntervalOrder(
  intervals: readonly Interval[],
  visit: (before: number, after: number) => void,
): void {
  const byBegin = intervals.map((_, i) => i).sort((a, b) => intervals[a]!.begin - intervals[b]!.begin)
  const byEnd = intervals.map((_, i) => i).sort((a, b) => intervals[a]!.end - intervals[b]!.end)
  /** Ended, and nobody has both begun after that and ended. */
  let frontier: number[] = []
  let ended = 0
  for (const after of byBegin) {
    const { begin } = intervals[after]!
    for (; ended < byEnd.length && intervals[byEnd[ended]!]!.end < begin; ended++) {
      const newest = byEnd[ended]!
      frontier = frontier.filter((before) => intervals[before]!.end >= intervals[newest]!.begin)
      frontier.push(newest)
    }
    for (const before of frontier) visit(before, after)
  }
}
