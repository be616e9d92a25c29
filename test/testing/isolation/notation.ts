/**
 * Histories in a line each:  T1(a)@1-4: rx[] ax1 / T2!: ry=0 wy={"n":1} / T3?: q{"n":1}=y:{"n":1}
 *
 * `!` rolled back, `?` unknown; (session); @begin-end. `ax1` appends 1 to x, `rx[1,2]` reads a list, `wx=1` writes, `rx=1` reads a
 * register, `-` is nothing there; `q{filter}=x:{…};y:{…}` reads rows.
 */
import type { History, HistoryTransaction, Operation } from '../../../src/testing/isolation/history.ts'

export function historyOf(text: string): History {
  return { transactions: text.split(' / ').map(transactionOf) }
}

function transactionOf(text: string): HistoryTransaction {
  const match = /^(\w+)(?:\((\w+)\))?(?:@(\d+)-(\d+))?([!?])?: (.*)$/.exec(text.trim())
  if (match === null) throw new RangeError(`no transaction: ${text}`)
  const [, id = '', session, begin, end, mark, operations = ''] = match
  return {
    id,
    ...(session !== undefined && { session }),
    ...(begin !== undefined && { begin: Number(begin), end: Number(end) }),
    status: mark === '!' ? 'aborted' : mark === '?' ? 'unknown' : 'committed',
    operations: operations.split(' ').map(operationOf),
  }
}

function operationOf(text: string): Operation {
  const append = /^a([a-z])(.+)$/.exec(text)
  if (append !== null) return { kind: 'append', key: append[1]!, value: JSON.parse(append[2]!) }
  const list = /^r([a-z])(\[.*\])$/.exec(text)
  if (list !== null) return { kind: 'list', key: list[1]!, values: JSON.parse(list[2]!) as unknown[] }
  const register = /^([rw])([a-z])=(.+)$/.exec(text)
  if (register !== null) {
    const value = register[3] === '-' ? null : JSON.parse(register[3]!)
    return { kind: register[1] === 'r' ? 'read' : 'write', key: register[2]!, value }
  }
  const rows = /^q(\{.*?\})=(.*)$/.exec(text)
  if (rows === null) throw new RangeError(`no operation: ${text}`)
  const [, where = '', found = ''] = rows
  return { kind: 'rows', where: JSON.parse(where), rows: found === '' ? [] : found.split(';').map(rowOf) }
}

function rowOf(text: string): { key: string; value: unknown } {
  return { key: text.slice(0, 1), value: JSON.parse(text.slice(2)) }
}
