import type { Value } from './values.ts'

/** A deep copy: nothing in it is shared with the value. */
export function copyValue<T extends Value | undefined>(value: T): T {
  // A copy has the type of what it was made of.
  return copyOf(value) as T
}

function copyOf(value: Value | undefined): Value | undefined {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return new Date(value.getTime())
  if (value instanceof Uint8Array || value instanceof Float32Array || value instanceof Float64Array)
    return value.slice()
  if (Array.isArray(value)) return value.map((item: Value) => copyOf(item) as Value)
  const made: { [name: string]: Value | undefined } = {}
  for (const [name, field] of Object.entries(value)) {
    const copy = copyOf(field)
    // Assigning `__proto__` would change the copy's prototype instead.
    if (name === '__proto__')
      Object.defineProperty(made, name, { value: copy, enumerable: true, configurable: true, writable: true })
    else made[name] = copy
  }
  return made as Value
}
