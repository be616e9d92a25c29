/** The public door of `blazedb/testing`: what a user tests with. It needs fast-check 4 beside it. */

export type { RecordId } from '../base/ids.ts'
export type { Relay, RelayConnection } from '../base/relay.ts'
export type { StoredRecord, Value } from '../base/values.ts'
export type { ProblemKind, VerifyProblem } from '../engine/verify/problem.ts'
export type { FaultCode, FileOperation, TracedCall } from '../platform/fault-plan.ts'
export { FaultPlan } from '../platform/fault-plan.ts'
export { type ManualClock, manualClock } from '../platform/manual-clock.ts'
export type { CrashMode } from '../platform/memory-files.ts'
export type { CrashOptions } from '../platform/memory-platform.ts'
export { nodePlatform } from '../platform/node-platform.ts'
export {
  type Clock,
  type DirectoryStore,
  FileError,
  type FileHandle,
  type FileSystem,
  type LockStore,
  type Platform,
  type RandomSource,
} from '../platform/platform.ts'
export type { PlainRecord } from '../testing/arbitraries/plain-record.ts'
export { type QueryOptions, type QueryPlan, queryOn } from '../testing/arbitraries/query.ts'
export type { RecordOptions, Shape } from '../testing/arbitraries/record.ts'
export type { CollectionPlan, History, HistoryOptions, TransactionOptions } from '../testing/arbitraries/transaction.ts'
export type { ValueOptions } from '../testing/arbitraries/value.ts'
export { type Fields, type WhereOptions, type WherePlan, whereOf } from '../testing/arbitraries/where.ts'
export { arbitraries } from '../testing/arbitraries.ts'
export { checkDatabase, DatabaseCheckError } from '../testing/check-database.ts'
export { type ClockSubject, clockContract } from '../testing/contracts/clock.ts'
export { ContractError, type Ending, type TestRunner } from '../testing/contracts/contract.ts'
export { type DirectoryStoreSubject, directoryStoreContract } from '../testing/contracts/directory-store.ts'
export { type FileSystemSubject, fileSystemContract } from '../testing/contracts/file-system.ts'
export { type LockStoreSubject, lockStoreContract } from '../testing/contracts/lock-store.ts'
export { type RelaySubject, relayContract } from '../testing/contracts/relay.ts'
export {
  type FaultyPlatform,
  type FaultyPlatformOptions,
  faultyPlatform,
  openOn,
  withFaults,
} from '../testing/faulty-platform.ts'
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
export { type MachineCommands, machineCommands } from '../testing/model/machine-commands.ts'
export {
  type CommandSpec,
  type ModelCommand,
  type ModelCommands,
  modelCommand,
} from '../testing/model/model-command.ts'
export type { ModelKind, ModelRun } from '../testing/model/model-run.ts'
export { plainRecords, type RecordCommands, recordCommands } from '../testing/model/record-commands.ts'
export { ModelFailure, type ModelReport, type RunModelOptions, runModel } from '../testing/model/run-model.ts'
export { copyRecords, differences, type RecordsModel, recordsModel, recordsOf } from '../testing/records-model.ts'
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
export { drain, settle } from '../testing/settle.ts'
export { modelStep, type Step, type StepKind, shownStep, takeStep } from '../testing/steps.ts'
