/**
 * Joins by a unique key: what a foreign key column of the base says, as slots of the other collection. They are looked up
 * once for each code, not for each row, and whatever is read through the join becomes a table by that code: a filter, a
 * group or an order by a column of the other side costs what one of the base costs. A foreign key that is not coded gets
 * codes here: the slots it leads to.
 *
 * Null and missing join nothing. Where slots of the other side are not sure for the reader's snapshot, the reader takes
 * the rows whose key is one of theirs (newest, and at the snapshot) out of its kernels, by an `accepts` test of the
 * foreign key, and adds them by value.
 */
import type { Value } from '../base/values.ts'
import { type Column, type Join, type LiveSlots, PRESENT } from './column.ts'
import { exactNumber } from './dictionary.ts'
import { columnValue } from './row-test.ts'

/** The join of a foreign key with a column of the other collection whose values are unique. */
export function joinColumns(foreignKey: Column, otherKey: Column, otherLive: LiveSlots): Join {
  return joinByLookup(foreignKey, slotLookup(otherKey, otherLive))
}

/** The same through any unique lookup; `slotOf` gives -1 for a value that leads nowhere. */
export function joinByLookup(foreignKey: Column, slotOf: (value: Value) => number): Join {
  if (foreignKey.kind === 'coded') {
    const { values } = foreignKey.dictionary
    const slots = new Int32Array(values.length).fill(-1)
    for (let code = PRESENT; code < values.length; code++) slots[code] = slotOf(values[code]!)
    return { codes: foreignKey.codes, slotOf: slots }
  }
  const { tags } = foreignKey
  const codes = new Int32Array(tags.length)
  let highest = 0
  for (let slot = 0; slot < tags.length; slot++) {
    if (tags[slot] !== PRESENT) continue
    // A present value is a value.
    const code = slotOf(columnValue(foreignKey, slot)!) + 1
    codes[slot] = code
    if (code > highest) highest = code
  }
  return { codes, slotOf: Int32Array.from({ length: highest + 1 }, (_, code) => code - 1) }
}

/** From a value of a unique column to its slot. */
function slotLookup(column: Column, live: LiveSlots): (value: Value) => number {
  if (column.kind === 'coded') {
    const { codes, dictionary } = column
    const slots = new Int32Array(dictionary.size).fill(-1)
    for (let slot = 0; slot < live.bytes.length; slot++) if (live.bytes[slot] === 1) slots[codes[slot]!] = slot
    return (value) => {
      const code = dictionary.find(value)
      return code < PRESENT || code >= slots.length ? -1 : slots[code]!
    }
  }
  // A vector is no key: nothing is joined by it.
  if (column.kind === 'vector') return () => -1
  const slots = new Map<number, number>()
  for (let slot = 0; slot < column.tags.length; slot++) {
    if (column.tags[slot] === PRESENT) slots.set(column.values[slot]!, slot)
  }
  return (value) => {
    const number = columnNumber(column.isDate, value)
    return number === undefined ? -1 : (slots.get(number) ?? -1)
  }
}

/** What a value would be in a number column that could hold it. */
function columnNumber(isDate: boolean, value: Value): number | undefined {
  if (isDate) return value instanceof Date ? value.getTime() : undefined
  if (typeof value === 'bigint') return exactNumber(value)
  return typeof value === 'number' ? value : undefined
}
