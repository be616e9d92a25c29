/**
 * What the planner may know of an index. The count of entries is exact and kept by the tree; a range's count is
 * estimated from two descents; the count of distinct keys is estimated from how often adjacent entries of some leaves
 * differ, and taken again only when the index has grown or shrunk by a fifth since. Nothing is stored: all comes from
 * the pages, so there is nothing to go stale across an open.
 *
 * Honest about its error: where equal keys cluster in a few places, the sampled leaves may miss them.
 */
import type { BTree } from './btree.ts'
import { sampleAdjacent } from './btree-estimate.ts'
import type { IndexSpec } from './index-spec.ts'
import type { KeyBounds } from './key-bounds.ts'
import { partEnd } from './key-part.ts'

/** The sample is taken again when the count has changed by this share. */
const STALE_SHARE = 0.2

export class IndexStatistics {
  readonly #tree: BTree
  readonly #firstPartSize: (key: Uint8Array) => number
  #sampledCount = -1
  #keyShare = 1
  #firstPartShare = 1

  constructor(tree: BTree, spec: IndexSpec) {
    this.#tree = tree
    const descending = spec.parts[0]!.descending
    this.#firstPartSize = (key) => partEnd(key, 0, descending)
  }

  /** Entries, exact. */
  get entryCount(): number {
    return this.#tree.count
  }

  /** About how many distinct keys there are. */
  distinctKeys(): number {
    this.#refresh()
    return distinct(this.#tree.count, this.#keyShare)
  }

  /** About how many distinct values the first part has. */
  distinctFirstParts(): number {
    this.#refresh()
    return distinct(this.#tree.count, this.#firstPartShare)
  }

  /** About how many entries lie within the bounds. */
  estimate(bounds: KeyBounds): number {
    return this.#tree.estimateCount(bounds)
  }

  #refresh(): void {
    const count = this.#tree.count
    if (this.#sampledCount >= 0 && Math.abs(count - this.#sampledCount) <= this.#sampledCount * STALE_SHARE) return
    const { pairs, keyChanges, firstPartChanges } = sampleAdjacent(this.#tree.core, this.#firstPartSize)
    this.#sampledCount = count
    this.#keyShare = pairs === 0 ? 1 : keyChanges / pairs
    this.#firstPartShare = pairs === 0 ? 1 : firstPartChanges / pairs
  }
}

/** Of `count` entries in order, each but the first begins a new key with this probability. */
function distinct(count: number, share: number): number {
  return count === 0 ? 0 : Math.round(1 + (count - 1) * share)
}
