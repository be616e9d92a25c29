import { randomFillSync } from 'node:crypto'
import type { RandomSource } from './platform.ts'

/** Small fills come from a pool: a call of the system for each id costs more than the rest of making it. */
const POOL_BYTES = 8192
const SMALL_BYTES = 64

/** Cryptographic randomness of the machine. */
export function systemRandom(): RandomSource {
  const pool = new Uint8Array(POOL_BYTES)
  let at = POOL_BYTES
  return {
    fill(target) {
      if (target.length > SMALL_BYTES) return randomFillSync(target)
      if (at + target.length > POOL_BYTES) {
        randomFillSync(pool)
        at = 0
      }
      for (let i = 0; i < target.length; i++) target[i] = pool[at + i]!
      // Bytes are used once and not kept.
      pool.fill(0, at, at + target.length)
      at += target.length
      return target
    },
    // Jitter needs no secrecy.
    next: () => Math.random(),
  }
}
