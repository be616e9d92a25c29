/**
 * A relay: what carries frames between two replicas, and knows nothing of what is in them. How the other side is found and
 * reached is the relay's own business; what sync may count on is this, and `relayContract` of `blazedb/testing` tests it.
 */

/** One end of a connection. */
export interface RelayConnection {
  /** Who is at the other end, as the relay knows it; never empty. */
  readonly peerId: string
  /**
   * Hands a frame of at least one byte over. The bytes are the caller's again when it resolves, and it does not resolve
   * while the other end has more waiting than it should. Rejects when the connection has ended.
   */
  send(frame: Uint8Array): Promise<void>
  /** What the other end has sent: whole frames, in order, each once, the receiver's own bytes. Ends with the connection; iterated once. */
  readonly frames: AsyncIterable<Uint8Array>
  /** Ends the connection for both ends; what was sent before arrives. Harmless when it has ended. */
  close(): Promise<void>
}

/** A way to another replica. */
export interface Relay {
  /** A new connection. Rejects with the signal's reason when it is aborted first; later the signal ends the connection. */
  connect(options?: { readonly signal?: AbortSignal }): Promise<RelayConnection>
}
