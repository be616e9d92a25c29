/** A schedule that cannot go on: everybody waits, or it never ends. `choices` repeats it. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError'
  readonly kind: 'stuck' | 'endless'
  /** Tasks that have not ended, and the last step that each came to. */
  readonly waiting: readonly string[]
  readonly choices: readonly number[]

  constructor(kind: 'stuck' | 'endless', text: string, waiting: readonly string[], choices: readonly number[]) {
    super(text)
    this.kind = kind
    this.waiting = waiting
    this.choices = choices
  }
}
