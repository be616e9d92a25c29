/**
 * The versions of a list. A list only grows, so the longest that was read tells the order of all that is in it, every
 * other read must be a beginning of it, and what is not in it was appended later. (Elle, "traceable" objects.)
 */
import { invariant } from '../../base/invariant.ts'
import type { Finding } from './finding.ts'
import { type HistoryTransaction, showValue, valueKey } from './history.ts'
import type { ExternalRead, KeyObservations, Write } from './observations.ts'
import { type KeyVersions, successionOf, type Version, type VersionRead } from './versions.ts'

export function listVersions(
  observations: KeyObservations,
  nodes: readonly HistoryTransaction[],
  found: (finding: Finding) => void,
): KeyVersions {
  return new ListAnalysis(observations, nodes, found).run()
}

class ListAnalysis {
  readonly #key: string
  readonly #writes: ReadonlyMap<string, Write[]>
  readonly #reads: readonly ExternalRead[]
  readonly #nodes: readonly HistoryTransaction[]
  readonly #found: (finding: Finding) => void
  readonly #versions: Version[] = [{ writer: -1, value: undefined, values: [], did: 'left it empty' }]
  /** The version that a read of so many values saw. */
  readonly #versionAt: number[] = [0]

  constructor(
    { key, writes, reads }: KeyObservations,
    nodes: readonly HistoryTransaction[],
    found: (finding: Finding) => void,
  ) {
    this.#key = key
    this.#writes = writes
    this.#reads = reads
    this.#nodes = nodes
    this.#found = found
  }

  run(): KeyVersions {
    const longest = this.#longest()
    const all = longest?.values ?? []
    const compatible = this.#reads.filter((read) => this.#isBeginning(read, longest))
    if (longest !== undefined) this.#install(all, compatible)
    const ordered = this.#versions.length
    this.#addUnseen(new Set(all.map(valueKey)), all)
    return {
      key: this.#key,
      versions: this.#versions,
      ordered,
      isTotal: true,
      next: successionOf(this.#versions.length, ordered),
      reads: compatible.map((read) => this.#asVersionRead(read)),
    }
  }

  #longest(): ExternalRead | undefined {
    let longest: ExternalRead | undefined
    for (const read of this.#reads) if (longest === undefined || size(read) > size(longest)) longest = read
    return longest
  }

  #isBeginning(read: ExternalRead, longest: ExternalRead | undefined): boolean {
    const { values = [] } = read
    const all = longest?.values ?? []
    const at = values.findIndex((value, i) => value !== all[i] && valueKey(value) !== valueKey(all[i]))
    if (at < 0) return true
    const [id, other] = [this.#nodes[read.node]!.id, this.#nodes[longest!.node]!.id]
    this.#found({
      name: 'incompatible-order',
      key: this.#key,
      transactions: [id, other],
      because: [`${id} read ${this.#key} as ${short(values)}, ${other} as ${short(all)}`],
    })
    return false
  }

  /** Walks the longest list: whose is each value, and where does a version end? */
  #install(all: readonly unknown[], reads: readonly ExternalRead[]): void {
    const seen = new Set<string>()
    let aborted: HistoryTransaction | undefined
    for (const [at, value] of all.entries()) {
      const name = valueKey(value)
      const write = this.#writes.get(name)?.[0]
      const reader = this.#nodes[reads.find((read) => size(read) > at)!.node]!
      if (seen.has(name))
        this.#direct(
          'duplicate-elements',
          [reader],
          `${reader.id} read ${showValue(value)} twice in ${this.#key}: ${short(all)}`,
        )
      else if (write === undefined)
        this.#direct(
          'unwritten-read',
          [reader],
          `${reader.id} read ${showValue(value)} in ${this.#key}, which nobody appended`,
        )
      else if (write.node < 0) {
        aborted = write.transaction
        this.#direct(
          'G1a',
          [reader, aborted],
          `${reader.id} read ${showValue(value)} in ${this.#key}, which ${aborted.id} appended and rolled back`,
        )
      } else {
        if (aborted !== undefined)
          this.#direct(
            'dirty-update',
            [write.transaction, aborted],
            `${write.transaction.id} appended ${showValue(value)} to ${this.#key} after what ${aborted.id} appended and rolled back`,
          )
        aborted = undefined
        this.#extend(write, all.slice(0, at + 1))
      }
      seen.add(name)
      this.#versionAt.push(this.#versions.length - 1)
    }
    for (const read of reads) this.#judgeEnd(read)
  }

  /** A value more: of the version that was last, if that is by the same transaction. */
  #extend(write: Write, values: readonly unknown[]): void {
    const last = this.#versions.at(-1)!
    const isSame = last.writer === write.node
    if (isSame) this.#versions.pop()
    const did = isSame ? `${last.did}, ${showValue(write.value)}` : `appended ${showValue(write.value)}`
    this.#versions.push({ writer: write.node, value: undefined, values, did })
  }

  /** A list that ends within what one transaction appended was read too early. */
  #judgeEnd(read: ExternalRead): void {
    const last = read.values?.at(-1)
    if (last === undefined) return
    const write = this.#writes.get(valueKey(last))?.[0]
    if (write === undefined || write.node < 0 || write.isFinal) return
    const reader = this.#nodes[read.node]!
    this.#direct(
      'G1b',
      [reader, write.transaction],
      `${reader.id} read ${this.#key} as ${short(read.values ?? [])}, and ${write.transaction.id} appended more to it`,
    )
  }

  /** What was appended and never read came after all that was. */
  #addUnseen(seen: ReadonlySet<string>, all: readonly unknown[]): void {
    const did = new Map<number, unknown[]>()
    for (const [name, [write]] of this.#writes) {
      invariant(write !== undefined, () => 'a value is noted with its write')
      if (write.node < 0 || seen.has(name)) continue
      did.set(write.node, [...(did.get(write.node) ?? []), write.value])
    }
    const last = this.#versions.at(-1)!.writer
    for (const [writer, values] of did) {
      if (writer === last) continue
      this.#versions.push({
        writer,
        value: undefined,
        values: [...all, ...values],
        did: `appended ${values.map(showValue).join(', ')}`,
      })
    }
  }

  #asVersionRead({ node, values = [] }: ExternalRead): VersionRead {
    return { node, candidates: [this.#versionAt[values.length]!], saw: () => short(values) }
  }

  #direct(name: Finding['name'], transactions: readonly HistoryTransaction[], text: string): void {
    this.#found({ name, key: this.#key, transactions: transactions.map(({ id }) => id), because: [text] })
  }
}

function size(read: ExternalRead): number {
  return read.values?.length ?? 0
}

/** The most values of a list that a sentence shows. */
const SHOWN_VALUES = 12

function short(values: readonly unknown[]): string {
  if (values.length <= SHOWN_VALUES) return showValue(values)
  return `[… ${values.slice(-SHOWN_VALUES).map(showValue).join(',')}] (${values.length} values)`
}
