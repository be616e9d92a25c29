/** Whether values came back: the path of the first that did not, with what was expected and found. */

/** Undefined when equal. Prototypes and the order of keys do not count; a type does. `datesAsNumbers`: milliseconds do. */
export function firstDifference(expected, found, { datesAsNumbers = false } = {}, path = 'record') {
  if (Object.is(expected, found)) return undefined
  if (expected instanceof Date) {
    const ms = datesAsNumbers ? found : found instanceof Date ? found.getTime() : undefined
    return ms === expected.getTime() ? undefined : difference(path, expected, found)
  }
  if (kind(expected) !== kind(found) || kind(expected) === 'value') return difference(path, expected, found)
  const names = new Set([...Object.keys(expected), ...Object.keys(found)])
  for (const name of names) {
    // Some formats keep a default in the prototype: it reads like any other value.
    if (!(name in found)) return `${path}.${name} is missing`
    if (!Object.hasOwn(expected, name)) return `${path}.${name} was added`
    const inner = firstDifference(expected[name], found[name], { datesAsNumbers }, `${path}.${name}`)
    if (inner !== undefined) return inner
  }
  return undefined
}

function kind(value) {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'object' && value !== null && !(value instanceof Date) ? 'object' : 'value'
}

function difference(path, expected, found) {
  return `${path}: ${show(expected)} came back as ${show(found)}`
}

function show(value) {
  if (value instanceof Date) return `Date ${value.getTime()}`
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
