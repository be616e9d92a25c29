/** The public door of `blazedb/testing`: what a user tests their own transactions with. */

// Isolation: histories, their recorders, their checker and its pictures.
export {
  type Anomaly,
  type AnomalyName,
  type AnomalyStep,
  anomalyTitle,
  type IsolationLevel,
} from '../testing/isolation/anomaly.ts'
export { type CheckOptions, type CheckResult, checkHistory } from '../testing/isolation/check-history.ts'
export type { DependencyKind } from '../testing/isolation/dependency-graph.ts'
export type {
  History as RecordedHistory,
  HistoryTransaction,
  Operation,
  RowsRead,
  TransactionStatus,
} from '../testing/isolation/history.ts'
export { historySvg } from '../testing/isolation/history-svg.ts'
export { historyText } from '../testing/isolation/history-text.ts'
export type { Matcher } from '../testing/isolation/matcher.ts'
export {
  type RecordableDatabase,
  type RecordedCollection,
  type RecordedDatabase,
  type RecordedReader,
  type RecordedSnapshot,
  type RecordedTransaction,
  type RecordingOptions,
  recordDatabase,
} from '../testing/isolation/record-database.ts'
export { HistoryRecorder, type RunOptions, type TransactionLog } from '../testing/isolation/recorder.ts'
export { type ShrinkOptions, shrinkHistory } from '../testing/isolation/shrink-history.ts'

// Scheduler: asynchronous tasks that interleave the same way each time.
export {
  type ScheduleOptions,
  type ScheduleRun,
  type Scheduler,
  schedule,
  type Task,
} from '../testing/scheduler/schedule.ts'
export { ScheduleError } from '../testing/scheduler/schedule-error.ts'
export { ScheduledClock } from '../testing/scheduler/scheduled-clock.ts'
export { openScheduled } from '../testing/scheduler/scheduled-database.ts'
export type { Stepped } from '../testing/scheduler/stepped.ts'
