/** Bytes that come in any pieces, taken in blocks of a size. */
export class ByteBlocks {
  readonly #pieces: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** The next block, a copy; fewer bytes, or none, only where the source has ended. */
  async take(sizeBytes: number): Promise<Uint8Array> {
    const block = new Uint8Array(sizeBytes)
    let filled = 0
    while (filled < sizeBytes) {
      if (this.#rest.length === 0) {
        const next = await this.#pieces.next()
        if (next.done === true) break
        this.#rest = next.value
      }
      const part = this.#rest.subarray(0, sizeBytes - filled)
      block.set(part, filled)
      filled += part.length
      this.#rest = this.#rest.subarray(part.length)
    }
    return block.subarray(0, filled)
  }

  /** Ends the source. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }
}
