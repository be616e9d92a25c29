/** From where on `db.health()` warns, with defaults filled in: the options `health` of open(). */
export interface HealthLimits {
  readonly freeDiskBytes: number
  readonly snapshotAgeMs: number
  readonly transactionAgeMs: number
  readonly historyShare: number
  readonly logExcessBytes: number
  readonly recentErrorMs: number
}
