/** Kernel: which live slots pass a test. Zones whose bounds say that nothing in them can pass are not looked at. */
import { codeGenerationAllowed } from '../codec/generate-reader.ts'
import { type ColumnTest, type KernelOptions, type LiveSlots, type NumberColumn, ZONE_SLOTS } from './column.ts'
import { Bindings, kernelOf } from './generate.ts'
import {
  BYTE_ITSELF,
  hasCall,
  joinTests,
  missingResult,
  type RowTest,
  resolveTest,
  testFunction,
  testSource,
} from './row-test.ts'

/** Ranges are [from, to), of sure slots only. */
export interface Filter {
  /** Writes the passing slots to `out`, which has room for all of the range; returns how many. */
  select(from: number, to: number, out: Uint32Array): number
  count(from: number, to: number): number
  testSlot(slot: number): boolean
}

/** A filter over the columns of a test; `undefined` passes every live slot. */
export function compileFilter(live: LiveSlots, where: ColumnTest | undefined, options: KernelOptions = {}): Filter {
  const test = liveTest(live, resolveTest(where))
  const { select, count, testSlot } = isGenerated(options) ? generatedFilter(test) : interpretedFilter(test)
  const bounds = boundsOf(test)
  if (bounds.length === 0) return { select, count, testSlot }
  return {
    testSlot,
    count: (from, to) => {
      let n = 0
      forPossible(bounds, from, to, (start, end) => {
        n += count(start, end)
      })
      return n
    },
    select: (from, to, out) => {
      let n = 0
      forPossible(bounds, from, to, (start, end) => {
        n += select(start, end, n === 0 ? out : out.subarray(n))
      })
      return n
    },
  }
}

/** True when kernels are to be generated. */
export function isGenerated(options: KernelOptions): boolean {
  return options.generate ?? codeGenerationAllowed()
}

/** The test with "is live" added, unless it follows: everything is missing where nothing lives. */
export function liveTest(live: LiveSlots, test: RowTest): RowTest {
  if (live.all || !missingResult(test)) return test
  return joinTests('and', [{ kind: 'table', codes: live.bytes, table: BYTE_ITSELF, missing: false }, test])
}

function interpretedFilter(test: RowTest): Filter {
  const testSlot = testFunction(test)
  return {
    testSlot,
    count: (from, to) => {
      let n = 0
      for (let slot = from; slot < to; slot++) if (testSlot(slot)) n++
      return n
    },
    select: (from, to, out) => {
      let n = 0
      for (let slot = from; slot < to; slot++) if (testSlot(slot)) out[n++] = slot
      return n
    },
  }
}

type CountKernel = (from: number, to: number, b: readonly unknown[]) => number
type SelectKernel = (from: number, to: number, b: readonly unknown[], out: Uint32Array) => number

function generatedFilter(test: RowTest): Filter {
  const bindings = new Bindings()
  const expression = testSource(test, bindings)
  const b = bindings.values
  // Four slots a round: a fifth faster.
  const four = hasCall(test) ? undefined : [0, 1, 2, 3].map((k) => atSlot(expression, k)).join(' + ')
  const rounds = four === undefined ? '' : `for (; i < to - 3; i += 4) n += ${four}\n`
  const count = kernelOf<CountKernel>(
    'from, to, b',
    `${bindings.declarations}\nlet n = 0, i = from\n${rounds}for (; i < to; i++) n += ${expression}\nreturn n`,
  )
  const select = kernelOf<SelectKernel>(
    'from, to, b, out',
    `${bindings.declarations}\nlet n = 0\nfor (let i = from; i < to; i++) { out[n] = i; n += ${expression} }\nreturn n`,
  )
  return {
    testSlot: testFunction(test),
    count: (from, to) => count(from, to, b),
    select: (from, to, out) => select(from, to, b, out),
  }
}

/** The expression for the slot `k` behind `i`: in a source of this layer `i` is no other name. */
function atSlot(expression: string, k: number): string {
  return k === 0 ? expression : expression.replaceAll(/\bi\b/g, `i + ${k}`)
}

/** What a zone must reach into for a slot of it to pass. */
export interface Bounds {
  readonly column: NumberColumn
  readonly min: number
  readonly max: number
}

/** From the comparisons that must all hold. */
export function boundsOf(test: RowTest): readonly Bounds[] {
  if (test.kind === 'and') return test.of.flatMap(boundsOf)
  if (test.kind !== 'compare') return []
  const { column, op, operand } = test
  const min = op === 'lt' || op === 'lte' ? -Infinity : operand
  const max = op === 'gt' || op === 'gte' ? Infinity : operand
  return [{ column, min, max }]
}

/** Visits the parts of the range in which slots may pass, neighbouring zones together. */
export function forPossible(
  bounds: readonly Bounds[],
  from: number,
  to: number,
  visit: (from: number, to: number) => void,
): void {
  let start = from
  for (let at = from; at < to; ) {
    const zone = Math.floor(at / ZONE_SLOTS)
    const end = Math.min(to, (zone + 1) * ZONE_SLOTS)
    if (!isPossible(bounds, zone)) {
      if (at > start) visit(start, at)
      start = end
    }
    at = end
  }
  if (to > start) visit(start, to)
}

function isPossible(bounds: readonly Bounds[], zone: number): boolean {
  for (let i = 0; i < bounds.length; i++) {
    const { column, min, max } = bounds[i]!
    if (column.zoneMin[zone]! > max || column.zoneMax[zone]! < min) return false
  }
  return true
}
