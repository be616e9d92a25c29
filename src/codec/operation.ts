/**
 * Operations (base/operation.ts) as bytes: what goes into the outbox, to the hub and to other devices.
 *
 *   replica 9f3c…, seq 41, bugs/b1 inserted {title: 'Crash', votes: 7}
 *
 *   ┌ version ┬ count ┬ replicas ┬ names ┬ definitions ┬ rows ────────┬ heads ──────────────────────────┐
 *   │ 0       │ 1     │ 1 9f3c…  │ bugs  │ title votes │ "Crash" 7    │ seq 41, hlc, insert bugs b1 row │
 *   └─────────┴───────┴──────────┴───────┴─────────────┴──────────────┴─────────────────────────────────┘
 *
 * The fields of all changes are rows of one array (Codec.encodeArray): they share names, strings and whatever else it
 * shares. What is left of an operation is its head. Heads are written as differences from the head before: in a run of
 * one replica's operations, each is its size, a byte of flags, two or three bytes of time, and per change a byte and
 * the id. One operation is a batch of one, in the same bytes.
 *
 *   operations  := version varint n replicas names part<definitions> part<rows> part<head>{n} later*
 *   version     := 0x00
 *   part<x>     := varint size, x
 *   replicas    := varint n, (byte{16}){n}          in the order of first use
 *   names       := varint n, text{n}                collections and removed fields, in the order of first use
 *   text        := varint (2 × units + wide), units one byte each, or two when wide
 *   definitions := as Codec.definitions gives them
 *   rows        := as Codec.encodeArray gives them; nothing when no change has fields
 *   head        := flags [varint replica, varint seq] signed hlcMs [varint hlcCounter] [varint schema] [varint n]
 *                  change{n} later*                 hlcMs: the difference from the operation before, or from 0
 *   flags       := 1 same replica, next seq | 2 hlcCounter is 0 | 4 schema as before, or 0 | 8 one change
 *   change      := what [varint name] id [varint n, (varint name){n}]       the list: removed fields
 *   what        := kind (2 bits) | 4 has a row | 8 the row begins with the id | 16 removed
 *                  | idKind × 32 (2 bits) | 128 collection as before
 *   id          := byte{16} UUID | signed | float64 | varint size, UTF-8    idKind 0, 1, 2, 3
 *   signed      := varint 2 × n, or −2 × n − 1 when negative
 *   later       := what a later version adds: skipped
 *
 * Invariants
 *  - decode(encode(x)) is x, whatever the values; equal operations have equal bytes, so a hash of them says
 *    whether two operations with one dot are one.
 *  - What one side refuses the other refuses as well.
 *
 * What it does not do: checksums and size limits (a frame has them), and keeping what a later version added: whoever
 * forwards an operation forwards its bytes. A field `id` that comes first and is the record's id takes no bytes.
 */
import { BlazeError } from '../base/errors.ts'
import type { Operation } from '../base/operation.ts'
import { readOperations } from './read-operation.ts'
import { writeOperations } from './write-operation.ts'

/**
 * The bytes of an operation: a copy, the caller's own. INVALID_VALUE with the path (`changes[0].fields.tags[3]`) of
 * what cannot be stored or is no part of an operation.
 * @example
 * const bytes = encodeOperation({ replica, seq: 1, hlcMs: Date.now(), hlcCounter: 0, schema: 1, changes: [
 *   { collection: 'bugs', id: bug.id, kind: 'insert', fields: bug },
 * ] })
 */
export function encodeOperation(operation: Operation): Uint8Array {
  return writeOperations([operation], () => '')
}

/**
 * The bytes of operations that travel together: a copy, the caller's own. Smaller than one by one, above all when they
 * are of one replica and in its order. INVALID_VALUE as {@link encodeOperation}, with `[2].` before the path.
 * @example
 * const frame = encodeOperations(outbox.slice(0, 500))
 * await relay.send(frame)
 * const received = decodeOperations(frame)
 */
export function encodeOperations(operations: readonly Operation[]): Uint8Array {
  return writeOperations(operations, (i) => `[${i}].`)
}

/**
 * The operation of {@link encodeOperation}: fresh objects, the caller's own. CODEC with the offset when the bytes are
 * damaged, of a later format, or hold several operations.
 * @example
 * const { replica, seq, changes } = decodeOperation(bytes)
 * for (const change of changes) apply(change)
 */
export function decodeOperation(bytes: Uint8Array): Operation {
  const [operation, ...others] = decodeOperations(bytes)
  if (operation !== undefined && others.length === 0) return operation
  const text = `These bytes hold ${operation === undefined ? 0 : 1 + others.length} operations, not one.`
  throw new BlazeError('CODEC', text, { offset: 1 })
}

/** The operations of {@link encodeOperations}, or of {@link encodeOperation}, in order. Errors as there. */
export function decodeOperations(bytes: Uint8Array): Operation[] {
  return readOperations(bytes)
}
