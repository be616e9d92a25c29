import type { Bagged } from '../base/bag.ts'

/** A transaction or snapshot that is still open. */
export interface OpenHandle extends Bagged {
  readonly label: string
  /** True for transactions: close() waits for them. */
  readonly holdsClose: boolean
  /** Ends it from outside: its next use throws. */
  end(): void
}
