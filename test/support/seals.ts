/** The seals of databases that tests write below the engine. */
import { crc32 } from '../../src/platform/checksums.ts'
import { cipher } from '../../src/platform/cipher.ts'
import { seededRandom } from '../../src/platform/seeded-random.ts'
import { encryptedSeals } from '../../src/wal/encrypted-seals.ts'
import { plainSeals, type Seals } from '../../src/wal/seal.ts'

export function plainSealsOf(fileId: Uint8Array): Seals {
  return plainSeals({ crc32 }, fileId)
}

/** Seals under one data key, the same for the same number. */
export function encryptedSealsOf(fileId: Uint8Array, number = 1): Seals {
  const keys = [{ id: number, bytes: new Uint8Array(32).fill(number) }]
  return encryptedSeals({ cipher, random: seededRandom(number), fileId, keys })
}
