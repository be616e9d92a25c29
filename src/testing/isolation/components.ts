/** Where a walk can come back to where it began: strongly connected components (Tarjan, 1972), without recursion. */

/** The numbers of nodes that `node` leads to. */
export type Neighbours = (node: number, visit: (to: number) => void) => void

/** For each node the number of its component; nodes of one component lead to each other. */
export function componentsOf(size: number, neighbours: Neighbours): Int32Array {
  const component = new Int32Array(size).fill(-1)
  const order = new Int32Array(size).fill(-1)
  const low = new Int32Array(size)
  const open: number[] = []
  const path: { readonly node: number; readonly next: readonly number[]; at: number }[] = []
  let visited = 0
  let components = 0

  const enter = (node: number): void => {
    order[node] = low[node] = visited++
    open.push(node)
    const next: number[] = []
    neighbours(node, (to) => next.push(to))
    path.push({ node, next, at: 0 })
  }
  const leave = (node: number): void => {
    if (low[node] === order[node]) {
      for (let member = -1; member !== node; ) {
        member = open.pop()!
        component[member] = components
      }
      components++
    }
    path.pop()
    const above = path.at(-1)
    if (above !== undefined) low[above.node] = Math.min(low[above.node]!, low[node]!)
  }

  for (let root = 0; root < size; root++) {
    if (order[root]! >= 0) continue
    enter(root)
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const to = top.next[top.at++]
      if (to === undefined) leave(top.node)
      else if (order[to]! < 0) enter(to)
      else if (component[to]! < 0) low[top.node] = Math.min(low[top.node]!, order[to]!)
    }
  }
  return component
}
