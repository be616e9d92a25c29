import type { Value } from './values.ts'

/** A deep copy: nothing in it is shared with the value. */
export function copyValue<T extends Value | undefined>(value: T): T {
  // A copy has the type of what it was made of.
  return (typeof value !== 'object' || value === null ? value : copyOf(value)) as T
}

function copyOf(value: Value & object): Value {
  if (value instanceof Date) return new Date(value.getTime())
  if (value instanceof Uint8Array || value instanceof Float32Array || value instanceof Float64Array)
    return value.slice()
  if (Array.isArray(value)) return value.map(copyValue)
  // A spread takes all fields at once, `__proto__` too; most are scalars and then done.
  const copy = { ...value } as { [name: string]: Value | undefined }
  for (const name in copy) {
    const field = copy[name]
    if (typeof field === 'object' && field !== null) copy[name] = copyOf(field)
  }
  return copy as Value
}
