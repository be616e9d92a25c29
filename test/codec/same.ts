/** Exact sameness of stored values: kinds, -0, NaN, field order, own `__proto__`, plain prototypes. */
import { expect } from 'vitest'

/** A text that is equal exactly when two values are the same in everything that is stored. */
export function fingerprint(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${value.map(fingerprint).join()}]`
  if (value instanceof Date) return `Date ${value.getTime()}`
  if (value instanceof Uint8Array) return `Bytes ${value.join()}`
  if (value instanceof Float32Array) return `F32 ${Array.from(value, fingerprint).join()}`
  if (value instanceof Float64Array) return `F64 ${Array.from(value, fingerprint).join()}`
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${fingerprint(field)}`).join()}}`
}

/** Fails unless `found` is exactly `expected` as it would be stored. */
export function expectSame(found: unknown, expected: unknown): void {
  expect(fingerprint(found)).toBe(fingerprint(expected))
}
