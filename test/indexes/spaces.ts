import type { StructureId } from '../../src/base/ids.ts'
import { Budget } from '../../src/pages/budget.ts'
import { PageSpace, PageStore } from '../../src/pages/page-table.ts'

const noPagesOnDisk = (): never => {
  throw new Error('nothing was ever evicted here')
}

/** A space of pages with no disk behind it and memory enough. */
export function memorySpace(persistent = true): PageSpace {
  const store = new PageStore(new Budget(Number.MAX_SAFE_INTEGER), noPagesOnDisk)
  return new PageSpace(store, { structure: 1 as StructureId, persistent })
}

/** The well-known small generator (mulberry32): the same numbers for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
