/** The calls to the machine that the workload makes, and which of them a run is about. */
import { expect } from 'vitest'
import type { TracedCall } from '../../src/platform/fault-plan.ts'
import { effort } from '../support/effort.ts'
import type { Variant } from '../support/encrypted.ts'
import { seed } from '../support/seed.ts'
import { freshMachine } from './machine.ts'
import { runPhases } from './workload.ts'

/** Two runs may differ by a call, so that the last one is not always made. */
export const NO_CALL = { operation: 'no call', path: '' } as const

const calls = new Map<Variant, readonly TracedCall[]>()

/** Every call of the workload on a machine without a fault, in order. */
export async function tracedCalls(variant: Variant = 'plain'): Promise<readonly TracedCall[]> {
  const known = calls.get(variant)
  if (known !== undefined) return known
  const probe = freshMachine(seed(), variant)
  const trace = probe.platform.faults.trace()
  const { errors } = await runPhases(probe, 'without a fault')
  expect(errors).toEqual([])
  calls.set(variant, trace)
  return trace
}

/** Numbers of calls, from 1: one in `stride` of them at effort 1, all from effort `stride` on. */
export function chosenCalls(all: readonly TracedCall[], stride: number, salt: number): number[] {
  const step = Math.max(1, Math.round(stride / effort(1)))
  const numbers: number[] = []
  for (let n = 1 + ((seed() + salt) % step); n <= all.length; n += step) numbers.push(n)
  return numbers
}

export function isWrite({ operation }: TracedCall): boolean {
  return operation === 'write' || operation === 'writeSync'
}
