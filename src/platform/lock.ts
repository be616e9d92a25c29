/**
 * The process lock of a folder: one writer, or any number of read-only opens.
 *
 * Node has no flock, and a pid file is wrong in containers, after a pid has been used again, and in races. So each opener
 * listens on a socket in the folder, and the kernel's answer to a connection is the truth: it accepts while the process
 * lives, also when it is busy or stopped, and refuses from the moment it is gone.
 *
 *   listen on lock-x.tmp ─► rename to lock-x ─► list ─► ask every other lock-*
 *                             (seen = accepts)             ├─ refuses              stale: unlink
 *                                                          ├─ held, or silent      leave: LOCKED
 *                                                          ├─ acquiring            meet again after a random pause
 *                                                          └─ nobody left          held
 *
 * Invariant: an opener holds the folder only after a listing, made while its own socket was seen, that showed no other.
 * Of two, the one seen later lists later and finds the first; so there are never two holders. They may both find each
 * other: then the one with the smaller name stays and the others leave, so that somebody gets it soon.
 *
 * Two read-only opens take no notice of each other. Where the folder cannot be written, a read-only open only looks;
 * a writer that comes later does not see it, but then it cannot write there either, unless it is another user.
 *
 * Sockets are found by path on one kernel: this covers processes, threads, containers with a common folder and symbolic
 * links, and not two machines on a network file system, which open refuses. On systems other than Linux a full queue of
 * callers (128 or more waiting on a holder that does not answer) reads as a refusal.
 */
import { realpathSync } from 'node:fs'
import type { Server } from 'node:net'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { answeringServer, ask, type LockAnswer, type LockState } from './lock-talk.ts'
import { codeOf, type LockVenue, lockVenue } from './lock-venue.ts'
import { FileError, type Lock, type LockHolder, type LockMode, type LockStore, type RandomSource } from './platform.ts'

/** Starters that meet try for this long; each round takes some milliseconds, so it is ended by load, not by bad luck. */
const MEET_FOR_MS = 5000
const FIRST_PAUSE_MS = 4
const LONGEST_PAUSE_MS = 64

/** The codes by which a folder says that nothing may be created in it. */
const NOT_WRITABLE: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS'])

/** The process lock of this machine's folders. */
export function nodeLocks(random: RandomSource): LockStore {
  return { acquire: (folder, mode) => acquire(folder, mode, random) }
}

async function acquire(
  folder: string,
  mode: LockMode,
  random: RandomSource,
): Promise<{ readonly lock: Lock } | { readonly holder: LockHolder }> {
  try {
    const presence = new Presence(lockVenue(realpathSync.native(folder)), mode)
    return await compete(presence, random)
  } catch (cause) {
    throw cause instanceof FileError ? cause : new FileError(codeOf(cause), 'lock', folder, { cause })
  }
}

async function compete(
  presence: Presence,
  random: RandomSource,
): Promise<{ readonly lock: Lock } | { readonly holder: LockHolder }> {
  const giveUpAt = performance.now() + MEET_FOR_MS
  let held = false
  try {
    for (let round = 0; ; round++) {
      await presence.appear()
      const rivals = await presence.rivals()
      const owner = rivals.find(({ answer }) => answer.state === 'held' || answer.state === 'silent')
      if (owner !== undefined) return { holder: holderOf(owner.answer) }
      const [first] = rivals
      if (first === undefined && presence.settle()) {
        held = true
        return { lock: { release: () => presence.leave() } }
      }
      if (first !== undefined && performance.now() > giveUpAt) return { holder: holderOf(first.answer) }
      if (rivals.some(({ name }) => presence.yieldsTo(name))) await presence.leave()
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS << Math.min(round, 8))
      await sleep(1 + random.next() * pauseMs)
    }
  } finally {
    if (!held) await presence.leave()
  }
}

function holderOf({ pid, host, since, mode }: LockAnswer): LockHolder {
  return { pid, host, since, mode }
}

interface Rival {
  readonly name: string
  readonly answer: LockAnswer
}

/** This opener in the venue: seen or not, and what it says of itself. */
class Presence {
  readonly #venue: LockVenue
  readonly #self: LockHolder
  #state: LockState = 'acquiring'
  #server: Server | undefined
  #name: string | undefined
  #onlyLooks = false

  constructor(venue: LockVenue, mode: LockMode) {
    this.#venue = venue
    this.#self = { pid: process.pid, host: hostname(), since: new Date().toISOString(), mode }
  }

  /** Listens and is seen, if it is not yet. */
  async appear(): Promise<void> {
    if (this.#name !== undefined || this.#onlyLooks) return
    const server = answeringServer(() => ({ ...this.#self, state: this.#state }))
    try {
      this.#name = await this.#venue.show(server)
      this.#server = server
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return // a holder swept it away half-way; the next round finds the holder
      if (this.#self.mode !== 'read-only' || !NOT_WRITABLE.has(codeOf(cause))) throw cause
      this.#onlyLooks = true
    }
  }

  /** The others that this mode does not go with. A writer takes away the sockets of the dead on the way. */
  async rivals(): Promise<Rival[]> {
    const names = this.#venue.list().filter((name) => name !== this.#name)
    const asked = await Promise.all(names.map(async (name) => ({ name, answer: await ask(this.#venue, name) })))
    const writes = this.#self.mode === 'read-write'
    const rivals: Rival[] = []
    for (const rival of asked) {
      if (rival.answer.state !== 'dead') {
        if (writes || rival.answer.mode === 'read-write') rivals.push(rival)
      } else if (writes) this.#venue.remove(rival.name)
    }
    return rivals
  }

  /** Becomes the holder, if it was seen while it listed. */
  settle(): boolean {
    if (this.#name === undefined && !this.#onlyLooks) return false
    this.#state = 'held'
    if (this.#self.mode === 'read-write') this.#venue.sweep()
    return true
  }

  yieldsTo(name: string): boolean {
    return this.#name !== undefined && name < this.#name
  }

  leave(): Promise<void> {
    if (this.#name !== undefined) this.#venue.remove(this.#name)
    this.#server?.close()
    this.#name = undefined
    this.#server = undefined
    return Promise.resolve()
  }
}
