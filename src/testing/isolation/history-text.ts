import type { Anomaly } from './anomaly.ts'
import { type History, type HistoryTransaction, showOperation } from './history.ts'

/**
 * A history as a table, one line a transaction, and below it why an anomaly is one.
 * @example
 * console.log(historyText(shrinkHistory(history), anomalies[0]))
 */
export function historyText(history: History, anomaly?: Anomaly): string {
  const head = ['transaction', 'session', 'time', 'outcome', 'what it did']
  const rows = history.transactions.map(rowOf)
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

function rowOf({ id, session = '', begin, end, status, operations }: HistoryTransaction): string[] {
  const time = begin === undefined ? '' : `${begin} – ${end ?? '?'}`
  return [id, session, time, status, operations.map(showOperation).join(' · ')]
}
