/** What the database tells whoever listens on node:diagnostics_channel. */
import { channel } from 'node:diagnostics_channel'

const slowQueries = channel('blazedb:slow-query')

/** A synchronous query that blocked the event loop for longer than `slowQueryMs`. */
export function reportSlowQuery(slow: unknown): void {
  if (slowQueries.hasSubscribers) slowQueries.publish(slow)
}
