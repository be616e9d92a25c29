import type { DirectName } from './anomaly.ts'

/** An anomaly that is told by one look, without a circle. */
export interface Finding {
  readonly name: DirectName | 'G-single'
  readonly key: string
  readonly transactions: readonly string[]
  /** Sentences. */
  readonly because: readonly string[]
}
