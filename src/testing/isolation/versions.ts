import type { Layer } from './dependency-graph.ts'

/** A state of a key that a committed transaction installed; number 0 is the state before all. */
export interface Version {
  /** The number of the transaction; -1 before all. */
  readonly writer: number
  /** Of a register. */
  readonly value: unknown
  /** Of a list: all that it then held, as far as known; undefined for a register. */
  readonly values: readonly unknown[] | undefined
  /** What the writer did: 'wrote 5', 'appended 3', 'deleted it'. */
  readonly did: string
}

/** That one version comes right after another, and what has to be believed for it. */
export interface Succession {
  readonly to: number
  readonly layer: Layer
}

/** A read of what others had written, as versions. */
export interface VersionRead {
  readonly node: number
  /** What it saw is one of these; more than one only where all versions are in order. Ascending. */
  readonly candidates: readonly number[]
  /** What it saw, as text, made when it is asked for. */
  readonly saw: () => string
}

/** The versions of one key. */
export interface KeyVersions {
  readonly key: string
  readonly versions: readonly Version[]
  /** The versions below this number are in a known order, that of their numbers; those from it on all come after them. */
  readonly ordered: number
  /** True when every version below `ordered` or after them is accounted for as said; else only `next` is known. */
  readonly isTotal: boolean
  /** The versions that come next, by version. */
  readonly next: readonly (readonly Succession[])[]
  readonly reads: readonly VersionRead[]
}

/** One after the other, and those of unknown order behind the last of them. */
export function successionOf(count: number, ordered: number): Succession[][] {
  const next: Succession[][] = Array.from({ length: count }, () => [])
  for (let i = 0; i + 1 < ordered; i++) next[i]!.push({ to: i + 1, layer: 0 })
  for (let i = ordered; i < count; i++) next[ordered - 1]!.push({ to: i, layer: 0 })
  return next
}
