/** Listens on a channel of node:diagnostics_channel for the time of a test. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { DiagnosticReports } from '../../src/engine/diagnostics.ts'

/** What was told while `run` ran. */
export async function toldOn<K extends keyof DiagnosticReports>(
  name: K,
  run: (told: DiagnosticReports[K][]) => Promise<void>,
): Promise<void> {
  const told: DiagnosticReports[K][] = []
  // The channel carries what its name says in DiagnosticReports.
  const listen = (message: unknown): void => void told.push(message as DiagnosticReports[K])
  subscribe(name, listen)
  try {
    await run(told)
  } finally {
    unsubscribe(name, listen)
  }
}
