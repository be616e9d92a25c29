import { heldBytes, type MemoryShare, type QueryMemory } from '../query-memory.ts'
import type { ValueKey } from '../value-key.ts'

/** Beside the key: its entry in the set. */
const ENTRY_BYTES = 32

/** Keys that were met, within the run's memory. */
export class HeldKeys {
  readonly #keys = new Set<ValueKey>()
  readonly #share: MemoryShare

  constructor(memory: QueryMemory, what: string) {
    this.#share = memory.share(what)
  }

  has(key: ValueKey): boolean {
    return this.#keys.has(key)
  }

  /** True when it was not there. */
  add(key: ValueKey): boolean {
    const { size } = this.#keys
    if (this.#keys.add(key).size === size) return false
    this.#share.take(ENTRY_BYTES + heldBytes(key))
    return true
  }

  clear(): void {
    this.#keys.clear()
    this.#share.releaseAll()
  }
}
