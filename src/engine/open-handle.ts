import type { Bagged } from '../base/bag.ts'

/** The line that opened something, for a message; '' when it was not noted. */
export function atPlace(openedAt: string | undefined): string {
  const place = openedAt?.split('\n')[0]?.trim()
  return place === undefined ? '' : ` (${place})`
}

/** A transaction or snapshot that is still open. */
export interface OpenHandle extends Bagged {
  readonly label: string
  /** True for transactions: close() waits for them. */
  readonly holdsClose: boolean
  /** Where it was opened, by the stack of the caller; undefined without `trackHolders`. */
  readonly openedAt: string | undefined
  /** Ends it from outside: its next use throws. */
  end(): void
}
