/**
 * File names for collections, whose names may hold anything: letters, digits, `_` and `-` stay, the rest becomes `_`.
 * Two that would be one file on some disk (which takes A for a) get a number. The manifest says which file is whose.
 */

/** Every file system takes names of 255 bytes; this leaves room for a number and the ending. */
const MAX_STEM = 100

/** Names that Windows gives to devices, whatever follows the dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i

/** A file name for each collection, in order, no two alike without regard to case. */
export function fileNames(collections: readonly string[], ending: string): string[] {
  const taken = new Set<string>()
  return collections.map((collection) => {
    const stem = stemOf(collection)
    let name = `${stem}${ending}`
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${stem}~${n}${ending}`
    taken.add(name.toLowerCase())
    return name
  })
}

function stemOf(collection: string): string {
  const stem = collection.replace(/[^\w-]/g, '_').slice(0, MAX_STEM)
  return stem.startsWith('-') || DEVICE.test(stem) ? `_${stem}` : stem
}

/** A file name for each of `count` collections of a sealed dump, which says nothing of them. */
export function sealedNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${String(i + 1).padStart(4, '0')}.sealed`)
}

/** Is it a name that `sealedNames` gives? */
export function isSealedName(name: string): boolean {
  return /^(?!0000\.)\d{4,9}\.sealed$/.test(name)
}

/** Which file of its dump one with this name is, from 1. */
export function partOf(sealedName: string): number {
  return Number.parseInt(sealedName, 10)
}

/** Is it a name that `fileNames` gives? What a manifest names is opened only then: it cannot lead out of its folder. */
export function isFileName(name: string): boolean {
  return /^\w[\w~-]*\.(?:ndjson|csv)(?:\.gz)?$/.test(name) && name.length <= MAX_STEM + 40
}
