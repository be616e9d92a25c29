/**
 * Circles in the graph of dependencies, by kind. Each kind is searched where it can be: in the strongly connected
 * components of the edges that it may have, through each edge that it must have, by the shortest way back.
 *
 *   G0             ww only
 *   G1c            ww and wr, at least one wr
 *   G-single       exactly one anti-dependency (rw)
 *   G-nonadjacent  several, no two of them in a row: searched in the graph doubled by "the last edge was one"
 *   G2-item, G2    two in a row; G2 when one of them is of a predicate
 *
 * One circle of each kind is given for each component, the shortest that was found. Sessions and time have edges between
 * neighbours only; a step over many of them counts as one, and the way straight back by one is looked for first. Whether there is any at all is
 * exact for G0, G1c, "no two in a row", and for all kinds together; among the last two kinds a longer circle can be hidden by
 * shorter ones of other kinds.
 */
import type { CycleName } from './anomaly.ts'
import { componentsOf } from './components.ts'
import { type Dependency, type DependencyGraph, isAntiDependency, type Layer } from './dependency-graph.ts'

export interface Cycle {
  readonly name: CycleName
  readonly layer: Layer
  readonly edges: readonly Dependency[]
}

type Test = (edge: Dependency) => boolean

/**
 * Edges through which a way back is looked for, and edges passed on those ways, for each kind: more would take long in a
 * hopeless history, in which everything hangs together. The first way of a component is always walked to its end.
 */
const MAX_STARTS = 200
const MAX_PASSED = 1_000_000

/** Counts the edges that were passed. */
interface Effort {
  passed: number
}

/** True when the graph has no circle of any kind. */
export function isAcyclic(graph: DependencyGraph): boolean {
  const component = componentsOf(graph.size, (node, visit) => {
    for (const edge of graph.edges[node]!) visit(edge.to)
  })
  return new Set(component).size === graph.size
}

/** All kinds of circles that need exactly what `layer` says to be believed. */
export function findCycles(graph: DependencyGraph, layer: Layer): Cycle[] {
  const within = (edge: Dependency): boolean => edge.layer <= layer
  const forward: Test = (edge) => within(edge) && !isAntiDependency(edge)
  const writes: Test = (edge) => forward(edge) && edge.kind !== 'wr'
  const items: Test = (edge) => within(edge) && edge.kind !== 'rw-predicate'
  const found = [
    ...search(graph, { inside: writes, back: writes, must: (edge) => edge.kind === 'ww' }),
    ...search(graph, { inside: forward, back: forward, must: (edge) => edge.kind === 'wr' }),
    ...search(graph, { inside: within, back: forward, must: isAntiDependency }),
    ...searchNonadjacent(graph, within),
    ...search(graph, { inside: items, back: items, must: isAntiDependency }),
    ...search(graph, { inside: within, back: within, must: (edge) => edge.kind === 'rw-predicate' }),
  ]
  return found.map((edges) => classify(withoutDetours(graph, edges))).filter((cycle) => cycle.layer === layer)
}

/** Steps of sessions and time in a row are one step: who ended before all that ended before it. */
function withoutDetours(graph: DependencyGraph, edges: readonly Dependency[]): readonly Dependency[] {
  const short: Dependency[] = []
  for (const edge of edges) {
    const last = short.at(-1)
    const over = last && isOrder(last) && isOrder(edge) ? graph.ordered(last.from, edge.to) : undefined
    if (over === undefined) short.push(edge)
    else short[short.length - 1] = over
  }
  return short
}

function isOrder({ kind }: Dependency): boolean {
  return kind === 'session' || kind === 'real-time'
}

/** The kind of a circle, by its edges. */
function classify(edges: readonly Dependency[]): Cycle {
  const layer = Math.max(...edges.map((edge) => edge.layer)) as Layer // the largest of layers is one
  return { name: nameOf(edges), layer, edges }
}

function nameOf(edges: readonly Dependency[]): CycleName {
  const anti = edges.filter(isAntiDependency).length
  if (anti === 0) return edges.some(({ kind }) => kind === 'wr') ? 'G1c' : 'G0'
  if (anti === 1) return 'G-single'
  const inRow = edges.some((edge, i) => isAntiDependency(edge) && isAntiDependency(edges[(i + 1) % edges.length]!))
  if (!inRow) return 'G-nonadjacent'
  return edges.some(({ kind }) => kind === 'rw-predicate') ? 'G2' : 'G2-item'
}

interface Search {
  /** The edges whose components are looked at. */
  readonly inside: Test
  /** The edges of the way back. */
  readonly back: Test
  /** The edges one of which must be there. */
  readonly must: Test
}

/** The shortest circle of each component. */
function search(graph: DependencyGraph, { inside, back, must }: Search): Dependency[][] {
  const component = componentsOf(graph.size, (node, visit) => {
    for (const edge of graph.edges[node]!) if (inside(edge)) visit(edge.to)
  })
  const best = new Map<number, Dependency[]>()
  const starts = new Map<number, number>()
  const effort: Effort = { passed: 0 }
  for (const edges of graph.edges) {
    for (const edge of edges) {
      if (!inside(edge) || !must(edge) || component[edge.from] !== component[edge.to]) continue
      const at = component[edge.from]!
      const straight = best.get(at)?.length === 2 ? undefined : graph.ordered(edge.to, edge.from)
      if (straight !== undefined && back(straight)) best.set(at, [edge, straight])
      const tried = starts.get(at) ?? 0
      if (tried >= MAX_STARTS || (tried > 0 && effort.passed > MAX_PASSED)) continue
      starts.set(at, tried + 1)
      const shortest = best.get(at)
      const way = wayBack(graph, edge, (next) => back(next) && component[next.to] === at, effort, shortest?.length)
      if (way !== undefined) best.set(at, [edge, ...way])
    }
  }
  return [...best.values()]
}

/** The shortest way from the end of `start` to its beginning, if the circle is shorter than `below`. */
function wayBack(
  graph: DependencyGraph,
  start: Dependency,
  allowed: Test,
  effort: Effort,
  below = graph.size + 1,
): Dependency[] | undefined {
  const cameBy = new Map<number, Dependency>()
  let level = [start.to]
  for (let size = 2; level.length > 0 && size < below; size++) {
    const next: number[] = []
    for (const node of level) {
      effort.passed += graph.edges[node]!.length
      for (const edge of graph.edges[node]!) {
        if (!allowed(edge) || edge.to === start.to || cameBy.has(edge.to)) continue
        cameBy.set(edge.to, edge)
        if (edge.to === start.from) return walked(cameBy, start)
        next.push(edge.to)
      }
    }
    level = next
  }
  return undefined
}

function walked(cameBy: ReadonlyMap<number, Dependency>, start: Dependency): Dependency[] {
  const way: Dependency[] = []
  for (let node = start.from; node !== start.to; ) {
    const edge = cameBy.get(node)!
    way.unshift(edge)
    node = edge.from
  }
  return way
}

/**
 * Circles without two anti-dependencies in a row. In the doubled graph node 2n is "at n", node 2n+1 "at n, and came by an
 * anti-dependency", from which no other one leads on.
 */
function searchNonadjacent(graph: DependencyGraph, within: Test): Dependency[][] {
  const component = componentsOf(graph.size * 2, (state, visit) => {
    for (const edge of graph.edges[state >> 1]!) {
      const to = step(state, edge)
      if (within(edge) && to >= 0) visit(to)
    }
  })
  const best = new Map<number, Dependency[]>()
  const starts = new Map<number, number>()
  const effort: Effort = { passed: 0 }
  for (const edges of graph.edges) {
    for (const edge of edges) {
      const at = component[edge.from * 2]!
      if (!within(edge) || !isAntiDependency(edge) || component[edge.to * 2 + 1] !== at) continue
      const tried = starts.get(at) ?? 0
      if (tried >= MAX_STARTS || (tried > 0 && effort.passed > MAX_PASSED)) continue
      starts.set(at, tried + 1)
      const way = alternateWayBack(graph, edge, (next, to) => within(next) && component[to] === at, effort)
      if (way === undefined || way.length + 1 >= (best.get(at)?.length ?? Number.POSITIVE_INFINITY)) continue
      // A single one is a kind of its own, and found by itself.
      if (way.some(isAntiDependency)) best.set(at, [edge, ...way])
    }
  }
  return [...best.values()]
}

/** Where an edge leads in the doubled graph; -1: nowhere. */
function step(state: number, edge: Dependency): number {
  if (!isAntiDependency(edge)) return edge.to * 2
  return (state & 1) === 1 ? -1 : edge.to * 2 + 1
}

function alternateWayBack(
  graph: DependencyGraph,
  start: Dependency,
  allowed: (edge: Dependency, to: number) => boolean,
  effort: Effort,
): Dependency[] | undefined {
  const cameBy = new Map<number, { readonly edge: Dependency; readonly before: number }>()
  const begin = start.to * 2 + 1
  const goal = start.from * 2
  let level = [begin]
  while (level.length > 0) {
    const next: number[] = []
    for (const state of level) {
      effort.passed += graph.edges[state >> 1]!.length
      for (const edge of graph.edges[state >> 1]!) {
        const to = step(state, edge)
        if (to < 0 || to === begin || cameBy.has(to) || !allowed(edge, to)) continue
        cameBy.set(to, { edge, before: state })
        if (to === goal) return simpleWay(cameBy, begin, goal)
        next.push(to)
      }
    }
    level = next
  }
  return undefined
}

/** Undefined when it passes a node twice: such a walk holds a shorter circle, which is found by itself. */
function simpleWay(
  cameBy: ReadonlyMap<number, { readonly edge: Dependency; readonly before: number }>,
  begin: number,
  goal: number,
): Dependency[] | undefined {
  const way: Dependency[] = []
  const passed = new Set<number>()
  for (let state = goal; state !== begin; ) {
    const { edge, before } = cameBy.get(state)!
    if (passed.has(edge.to)) return undefined
    passed.add(edge.to)
    way.unshift(edge)
    state = before
  }
  return passed.has(begin >> 1) ? undefined : way
}
