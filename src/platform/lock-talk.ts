/** The two sides of a question to a socket of the lock: who are you? One JSON line, then the end. */
import { connect, createServer, type Server } from 'node:net'
import { codeOf, type LockVenue, pidOfName } from './lock-venue.ts'
import type { LockHolder, LockMode } from './platform.ts'

/**
 * 'acquiring': may still give up; 'held': owns the folder; 'silent': accepted and did not answer in time, so it lives and
 * is taken for an owner; 'dead': refuses, its process is gone; 'gone': went while we asked.
 */
export type LockState = 'acquiring' | 'held' | 'silent' | 'dead' | 'gone'

/** What an opener says of itself. */
export interface LockAnswer extends LockHolder {
  readonly state: LockState
}

/** A holder busy with a long synchronous query answers when it is done; longer than this nobody waits to be refused. */
const ANSWER_WITHIN_MS = 2000
const MAX_ANSWER_BYTES = 4096

/** A server that tells every caller `self()`. Neither it nor its connections keep the process alive. */
export function answeringServer(self: () => LockAnswer): Server {
  const server = createServer((socket) => {
    socket.unref()
    // The caller may be gone before it has read: nothing of ours depends on it.
    socket.on('error', () => socket.destroy())
    socket.end(`${JSON.stringify(self())}\n`)
  })
  server.unref()
  return server
}

/** Asks the opener called `name`. */
export function ask(venue: LockVenue, name: string): Promise<LockAnswer> {
  const answer = (state: LockState): LockAnswer => ({
    pid: pidOfName(name),
    host: 'unknown',
    since: 'unknown',
    mode: 'read-write',
    state,
  })
  return venue.at(
    name,
    (address) =>
      new Promise((resolve) => {
        let text = ''
        const socket = connect(address)
        const settle = (result: LockAnswer): void => {
          clearTimeout(timer)
          socket.destroy()
          resolve(result)
        }
        const timer = setTimeout(() => settle(answer('silent')), ANSWER_WITHIN_MS)
        socket.setEncoding('utf8')
        socket.on('data', (part) => {
          text += part
          const end = text.indexOf('\n')
          if (end >= 0) settle(parsed(text.slice(0, end)) ?? answer('silent'))
          else if (text.length > MAX_ANSWER_BYTES) settle(answer('silent'))
        })
        socket.on('end', () => settle(answer('gone')))
        socket.on('error', (error) => settle(answer(stateOfError(codeOf(error)))))
      }),
  )
}

function stateOfError(code: string): LockState {
  if (code === 'ECONNREFUSED') return 'dead'
  // ENOENT: it left between listing and asking. A reset: it left, or died, while we waited in its queue.
  if (code === 'ENOENT' || code === 'ECONNRESET' || code === 'EPIPE') return 'gone'
  return 'silent' // EACCES, EAGAIN (its queue is full): there, and not to be asked
}

function parsed(line: string): LockAnswer | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined // not one of ours; the caller takes it for a silent owner
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { pid, host, since, mode, state } = value as Record<string, unknown>
  if (typeof pid !== 'number' || typeof host !== 'string' || typeof since !== 'string') return undefined
  if (!isMode(mode) || (state !== 'acquiring' && state !== 'held')) return undefined
  return { pid, host, since, mode, state }
}

function isMode(mode: unknown): mode is LockMode {
  return mode === 'read-only' || mode === 'read-write'
}
