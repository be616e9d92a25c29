/**
 * Mutations of encoded bytes. Some know the format: they put tags, marks, sizes beyond every limit and pieces of other
 * samples where such things can stand.
 */

/** Whole numbers below a bound, the same for the same seed. */
export type Random = (below: number) => number

export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return Math.floor((((mixed ^ (mixed >>> 15)) >>> 0) / 0x100000000) * below)
  }
}

/** Bytes that mean something: limits of tags, marks of cells, ends of varints. */
const TELLING = [
  0, 1, 2, 0x6f, 0x70, 0x7f, 0x80, 0xaf, 0xb0, 0xbf, 0xc0, 0xc3, 0xd2, 0xd4, 0xd5, 0xd7, 0xda, 0xdd, 0xde, 0xdf, 0xe0,
  0xef, 0xfd, 0xfe, 0xff,
]
/** Sizes and counts: huge ones, and a varint without end. */
const BOMBS: readonly (readonly number[])[] = [
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0x03],
  [0x80, 0x01],
]
/** Containers in containers. */
const NESTS: readonly (readonly number[])[] = [[0xb1], [0xdd, 0x01], [0xde, 0x01, 0x70], [0xdf, 0x00], [0xdf, 0x01]]

/** `bytes` changed in one to four places; `others` are what pieces come from. A copy. */
export function mutate(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  let mutated = bytes
  for (let rest = 1 + random(4); rest > 0; rest--) mutated = once(mutated, others, random)
  return mutated === bytes ? bytes.slice() : mutated
}

function once(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random(bytes.length + 1)
  switch (random(10)) {
    case 0:
      return bytes.slice(0, at)
    case 1:
      return replaced(bytes, at, 1, [random(256)])
    case 2:
      return replaced(bytes, at, 1, [(bytes[at] ?? 0) ^ (1 << random(8))])
    case 3:
      return replaced(bytes, at, 1, [TELLING[random(TELLING.length)]!])
    case 4:
      return replaced(bytes, at, 0, [TELLING[random(TELLING.length)]!])
    case 5:
      return replaced(bytes, at, 1 + random(8), [])
    case 6:
      return replaced(bytes, at, random(2), BOMBS[random(BOMBS.length)]!)
    case 7: {
      const piece = NESTS[random(NESTS.length)]!
      return replaced(bytes, at, 0, Array.from({ length: 1 + random(90) }, () => piece).flat())
    }
    case 8: {
      const other = others[random(others.length)]!
      const from = random(other.length + 1)
      return replaced(bytes, at, random(16), [...other.subarray(from, from + random(24))])
    }
    default: {
      const from = random(bytes.length + 1)
      return replaced(bytes, at, random(2), [...bytes.subarray(from, from + random(12))])
    }
  }
}

function replaced(bytes: Uint8Array, at: number, count: number, by: readonly number[]): Uint8Array {
  const after = Math.min(bytes.length, at + count)
  const result = new Uint8Array(at + by.length + bytes.length - after)
  result.set(bytes.subarray(0, at))
  result.set(by, at)
  result.set(bytes.subarray(after), at + by.length)
  return result
}
