/** Phrases: terms at given distances from each other, in one field. */

/**
 * How often a phrase begins among the positions of its first term. Of term i the positions lie, rising, in
 * lists[i][starts[i], ends[i]); it belongs `offsets[i]` after the phrase's begin. Moves `starts`.
 */
export function countPhrases(
  lists: readonly Uint32Array[],
  starts: Uint32Array,
  ends: Uint32Array,
  offsets: readonly number[],
): number {
  const first = lists[0]!
  let found = 0
  for (let at = starts[0]!; at < ends[0]!; at++) {
    const begin = first[at]! - offsets[0]!
    let i = 1
    for (; i < lists.length; i++) {
      const list = lists[i]!
      const wanted = begin + offsets[i]!
      let k = starts[i]!
      const end = ends[i]!
      while (k < end && list[k]! < wanted) k++
      starts[i] = k
      if (k === end) return found
      if (list[k] !== wanted) break
    }
    if (i === lists.length) found++
  }
  return found
}
