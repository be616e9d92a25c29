/**
 * How a key is made of a secret: the ways, their parameters as a lock keeps them, and the bounds that hold before any
 * memory is taken for them.
 */
import type { Argon2Parameters, ScryptParameters } from '../platform/platform.ts'

/** How the key that wraps the data keys is made. */
export type Kdf =
  | { readonly name: 'key' }
  | ({ readonly name: 'scrypt' } & ScryptParameters)
  | ({ readonly name: 'argon2id' } & Argon2Parameters)

const KDF_NUMBER = { key: 1, scrypt: 2, argon2id: 3 } as const

/** A gibibyte: more would let a forged file take the machine's memory. */
const MOST_KDF_BYTES = 2 ** 30
/** Below it a password is found too soon; 16 times the usual work is some ten seconds. */
const SCRYPT_COST = { least: 2 ** 14, most: 2 ** 20 } as const
const MOST_SCRYPT_WORK = 2 ** 24
const LEAST_ARGON2_KIB = 8192
const MOST_ARGON2_PASSES = 16
const MOST_PARALLELISM = 16

/** What is wrong with the parameters of a kdf; undefined when they are within their bounds. */
export function kdfFault(kdf: Kdf): string | undefined {
  switch (kdf.name) {
    case 'key':
      return undefined
    case 'scrypt': {
      const { cost, blockSize, parallelism } = kdf
      if (!whole(cost, SCRYPT_COST.least, SCRYPT_COST.most) || (cost & (cost - 1)) !== 0) {
        return `a cost that is a power of two from ${SCRYPT_COST.least} to ${SCRYPT_COST.most}`
      }
      if (!whole(blockSize, 1, 32)) return 'a blockSize from 1 to 32'
      if (!whole(parallelism, 1, MOST_PARALLELISM)) return `a parallelism from 1 to ${MOST_PARALLELISM}`
      if (cost * blockSize * parallelism > MOST_SCRYPT_WORK || 128 * cost * blockSize > MOST_KDF_BYTES) {
        return `cost × blockSize × parallelism up to ${MOST_SCRYPT_WORK}, and a gibibyte of memory`
      }
      return undefined
    }
    case 'argon2id': {
      const { memoryKib, passes, parallelism } = kdf
      const most = MOST_KDF_BYTES / 1024
      if (!whole(memoryKib, LEAST_ARGON2_KIB, most)) return `a memoryKib from ${LEAST_ARGON2_KIB} to ${most}`
      if (!whole(passes, 1, MOST_ARGON2_PASSES)) return `passes from 1 to ${MOST_ARGON2_PASSES}`
      if (!whole(parallelism, 1, MOST_PARALLELISM)) return `a parallelism from 1 to ${MOST_PARALLELISM}`
      return undefined
    }
  }
}

function whole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

/** The kdf as a lock keeps it: its number and three parameters; what a kdf does not have is zero. */
export function kdfNumbers(kdf: Kdf): readonly [number, number, number, number] {
  const number = KDF_NUMBER[kdf.name]
  switch (kdf.name) {
    case 'key':
      return [number, 0, 0, 0]
    case 'scrypt':
      return [number, kdf.cost, kdf.blockSize, kdf.parallelism]
    case 'argon2id':
      return [number, kdf.memoryKib, kdf.passes, kdf.parallelism]
  }
}

/** The kdf of these numbers; undefined when there is none such, or when its parameters are out of bounds. */
export function kdfOfNumbers(number: number, first: number, second: number, third: number): Kdf | undefined {
  const kdf = kdfNumbered(number, first, second, third)
  return kdf === undefined || kdfFault(kdf) !== undefined ? undefined : kdf
}

function kdfNumbered(number: number, first: number, second: number, third: number): Kdf | undefined {
  switch (number) {
    case KDF_NUMBER.key:
      return { name: 'key' }
    case KDF_NUMBER.scrypt:
      return { name: 'scrypt', cost: first, blockSize: second, parallelism: third }
    case KDF_NUMBER.argon2id:
      return { name: 'argon2id', memoryKib: first, passes: second, parallelism: third }
    default:
      return undefined
  }
}
