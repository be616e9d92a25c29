import { invariant } from '../base/invariant.ts'

/** Larger values would go to overflow pages; the checkpoint packs its entries below this. */
const MAX_DIRECTORY_VALUE = 65536

/** uint32 keys wrap silently in LMDB, so they are checked here. */
const MAX_KEY = 0xffffffff

/** The entries as a list, with the promises of the caller asserted: keys ascend, values fit. */
export function checkedEntries(
  entries: Iterable<readonly [key: number, value: Uint8Array]>,
): (readonly [number, Uint8Array])[] {
  const list: (readonly [number, Uint8Array])[] = []
  let previous = -1
  for (const [key, value] of entries) {
    invariant(Number.isInteger(key) && key <= MAX_KEY, () => `directory key ${key} is not a uint32`)
    invariant(key > previous, () => `directory key ${key} follows ${previous}`)
    invariant(value.length <= MAX_DIRECTORY_VALUE, () => `directory value of ${value.length} bytes at key ${key}`)
    previous = key
    list.push([key, value])
  }
  return list
}
