/**
 * The graph of who must come before whom: a node for each committed transaction, and an edge for each reason.
 *
 *   ww            it overwrote (or appended after) what the other had written
 *   wr            it read what the other had written
 *   rw            it read what the other then overwrote
 *   rw-predicate  it read by a predicate, and the other then wrote a record into (or within) what matches
 *   session       it came later in the same session
 *   real-time     it began when the other had ended
 *
 * `layer` says what has to be believed for the edge to hold: 0 the data alone, 1 also that sessions are in order, 2 also
 * that real time counts. (Adya, "Weak Consistency", 1999: direct serialization graph.)
 */

export type DependencyKind = 'ww' | 'wr' | 'rw' | 'rw-predicate' | 'session' | 'real-time'
export type Layer = 0 | 1 | 2

/** Why one transaction comes before another. */
export interface Dependency {
  readonly from: number
  readonly to: number
  readonly kind: DependencyKind
  readonly layer: Layer
  /** What it is about; undefined for sessions and time. */
  readonly key: string | undefined
  /** The reason as a sentence, made when it is asked for. */
  readonly because: () => string
}

/** An order that is whole: the edge between any two that it puts in this order, whatever lies between them. */
type Order = (from: number, to: number) => Dependency | undefined

export class DependencyGraph {
  readonly size: number
  readonly edges: readonly Dependency[][]
  readonly #known = new Map<string, number>()
  readonly #orders: Order[] = []

  constructor(size: number) {
    this.size = size
    this.edges = Array.from({ length: size }, () => [])
  }

  /** Of the same reason twice the one that needs less to be believed stays. */
  add(edge: Dependency): void {
    if (edge.from === edge.to) return
    const list = this.edges[edge.from]!
    const name = `${edge.from} ${edge.to} ${edge.kind} ${edge.key ?? ''}`
    const at = this.#known.get(name)
    if (at === undefined) {
      this.#known.set(name, list.length)
      list.push(edge)
    } else if (list[at]!.layer > edge.layer) list[at] = edge
  }

  /** Sessions, time: their edges are neighbours only, or there were as many as pairs. Those that need least come first. */
  addOrder(order: Order): void {
    this.#orders.push(order)
  }

  /** The edge by which an order puts one before the other, neighbours or not; undefined when none does. */
  ordered(from: number, to: number): Dependency | undefined {
    for (const order of this.#orders) {
      const edge = order(from, to)
      if (edge !== undefined) return edge
    }
    return undefined
  }
}

export function isAntiDependency(edge: Dependency): boolean {
  return edge.kind === 'rw' || edge.kind === 'rw-predicate'
}
