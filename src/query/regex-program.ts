/** From the tree of a pattern to a program of the automaton (see regex.ts). */
import type { CharTest } from './char-test.ts'
import { type RegexNode, RegexRefusal } from './regex-parse.ts'

/** The pattern's size limit: steps cost at most this many states, and `(a{99}){99}` is refused instead of built. */
export const MAX_REGEX_STATES = 2_000

/** Instructions. `a` and `b` are the operands: CHAR test → next is pc + 1; SPLIT a, b; JUMP a; ASSERT a of ASSERTIONS. */
export const CHAR = 0
export const SPLIT = 1
export const JUMP = 2
export const ASSERT = 3
export const MATCH = 4

export const ASSERTIONS = ['start', 'end', 'word', 'notWord'] as const

export interface RegexProgram {
  readonly op: Uint8Array
  readonly a: Int32Array
  readonly b: Int32Array
  readonly tests: readonly CharTest[]
  readonly hasAssertions: boolean
}

interface Emitter {
  readonly op: number[]
  readonly a: number[]
  readonly b: number[]
  readonly tests: CharTest[]
}

/** Compiles the tree; refuses one that needs more than MAX_REGEX_STATES. */
export function compileProgram(tree: RegexNode): RegexProgram {
  const e: Emitter = { op: [], a: [], b: [], tests: [] }
  emitNode(e, tree)
  emit(e, MATCH, 0, 0)
  return {
    op: Uint8Array.from(e.op),
    a: Int32Array.from(e.a),
    b: Int32Array.from(e.b),
    tests: e.tests,
    hasAssertions: e.op.includes(ASSERT),
  }
}

function emit(e: Emitter, op: number, a: number, b: number): number {
  if (e.op.length >= MAX_REGEX_STATES)
    throw new RegexRefusal(`more than ${MAX_REGEX_STATES} states; make its counts smaller`)
  e.op.push(op)
  e.a.push(a)
  e.b.push(b)
  return e.op.length - 1
}

function emitNode(e: Emitter, node: RegexNode): void {
  switch (node.kind) {
    case 'char':
      emit(e, CHAR, e.tests.push(node.test) - 1, 0)
      return
    case 'assert':
      emit(e, ASSERT, ASSERTIONS.indexOf(node.what), 0)
      return
    case 'sequence':
      for (const part of node.of) emitNode(e, part)
      return
    case 'choice':
      emitChoice(e, node.of)
      return
    case 'repeat':
      emitRepeat(e, node.of, node.min, node.max)
  }
}

function emitChoice(e: Emitter, of: readonly RegexNode[]): void {
  const exits: number[] = []
  for (let i = 0; i < of.length - 1; i++) {
    const split = emit(e, SPLIT, 0, 0)
    e.a[split] = split + 1
    emitNode(e, of[i]!)
    exits.push(emit(e, JUMP, 0, 0))
    e.b[split] = e.op.length
  }
  emitNode(e, of[of.length - 1]!)
  for (const exit of exits) e.a[exit] = e.op.length
}

function emitRepeat(e: Emitter, body: RegexNode, min: number, max: number): void {
  for (let i = 0; i < min; i++) {
    const before = e.op.length
    emitNode(e, body)
    // A body of nothing is the same however often it stands there, and would never meet the limit of states.
    if (e.op.length === before) return
  }
  if (max === Number.POSITIVE_INFINITY) {
    const split = emit(e, SPLIT, 0, 0)
    e.a[split] = split + 1
    emitNode(e, body)
    emit(e, JUMP, split, 0)
    e.b[split] = e.op.length
    return
  }
  const splits: number[] = []
  for (let i = min; i < max; i++) {
    const split = emit(e, SPLIT, 0, 0)
    e.a[split] = split + 1
    splits.push(split)
    emitNode(e, body)
  }
  for (const split of splits) e.b[split] = e.op.length
}
