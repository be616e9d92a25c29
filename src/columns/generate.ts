/**
 * Generated kernels: a function by its source, made once and kept, because the compiler's work and what it learns belong
 * to the source. What enters a source is names that this layer makes, nothing of a user's; arrays, operands and functions
 * are handed over as `b`, so that queries of one form share one function.
 */

/** Sources kept; beyond, all are forgotten. Forms of queries are few, and making one takes about 0.1 ms. */
const MAX_KERNELS = 512

const kernels = new Map<string, unknown>()

/** What a source's names stand for. */
export class Bindings {
  readonly values: unknown[] = []

  /** The name of a value in the source; the same one for the same value. */
  nameOf(value: unknown): string {
    const known = this.values.indexOf(value)
    if (known >= 0 && typeof value === 'object') return `b${known}`
    return `b${this.values.push(value) - 1}`
  }

  /**
   * Statements that give the names their values. The kinds of arrays stand beside them, so that a source is only ever run
   * over arrays of the same kinds: code that has seen several is a good deal slower.
   */
  get declarations(): string {
    return this.values.map((value, i) => `const b${i} = b[${i}] // ${kindOf(value)}\n`).join('')
  }
}

function kindOf(value: unknown): string {
  return ArrayBuffer.isView(value) ? value.constructor.name : typeof value
}

/** The function whose parameters and body are given. The caller says what type it has: the source is made beside it. */
export function kernelOf<T>(parameters: string, body: string): T {
  const source = `${parameters}\n${body}`
  const known = kernels.get(source)
  if (known !== undefined) return known as T
  if (kernels.size >= MAX_KERNELS) kernels.clear()
  const made = new Function(`'use strict'; return function kernel(${parameters}) {\n${body}\n}`)() as unknown
  kernels.set(source, made)
  return made as T
}
