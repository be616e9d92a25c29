/**
 * What the database tells whoever listens on node:diagnostics_channel. Without a listener a report costs one look.
 *
 * A listener that throws throws beside the engine: Node catches it and raises it as an uncaught exception in a later
 * tick; the call that reported goes on.
 */
import { type Channel, channel } from 'node:diagnostics_channel'

/** A channel by its name. */
export interface Reports<T> {
  /** Look before making what is costly to make. */
  readonly isHeard: boolean
  /** Tells the listeners; does nothing when there are none. */
  tell(message: T): void
}

export function reportsOn<T>(name: string): Reports<T> {
  const target: Channel = channel(name)
  return {
    get isHeard() {
      return target.hasSubscribers
    },
    tell(message) {
      if (target.hasSubscribers) target.publish(message)
    },
  }
}
