import type { Anomaly } from './anomaly.ts'
import { assertShown, type History, type HistoryTransaction, showOperation } from './history.ts'

/** Operations that together are longer get a line each. */
const LINE_WIDTH = 72

/**
 * A history as a table, a line or some for each transaction, and below it why an anomaly is one.
 * @example
 * console.log(historyText(shrinkHistory(history), anomalies[0]))
 */
export function historyText(history: History, anomaly?: Anomaly): string {
  assertShown(history, anomaly)
  const head = ['transaction', 'session', 'time', 'outcome', 'what it did']
  const rows = history.transactions.flatMap(rowsOf)
  const shown = head.map((_, column) => rows.some((row) => row[column] !== ''))
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]!))
      .filter((_, column) => shown[column])
      .join('  ')
      .trimEnd()
  const table = [line(head), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line)]
  return anomaly === undefined ? table.join('\n') : [...table, '', anomaly.text].join('\n')
}

function rowsOf({ id, session = '', begin, end, status, operations }: HistoryTransaction): string[][] {
  const time = begin === undefined ? '' : `${begin} – ${end ?? '?'}`
  const did = operations.map(showOperation)
  const together = did.join(' · ')
  const lines = together.length <= LINE_WIDTH || did.length === 0 ? [together] : did
  return lines.map((each, i) => (i === 0 ? [id, session, time, status, each] : ['', '', '', '', each]))
}
