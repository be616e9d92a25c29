/** The public door of `blazedb/testing`: what a user tests their own transactions with. */

// Isolation: histories and their checker.
export type { Anomaly, AnomalyName, AnomalyStep, IsolationLevel } from '../testing/isolation/anomaly.ts'
export { type CheckOptions, type CheckResult, checkHistory } from '../testing/isolation/check-history.ts'
export type {
  History,
  HistoryTransaction,
  Operation,
  RowsRead,
  TransactionStatus,
} from '../testing/isolation/history.ts'
