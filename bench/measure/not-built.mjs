/** Thrown by an adapter whose library has no such part (yet): the row prints `not built`. */
export class NotBuilt extends Error {
  constructor(what) {
    super(`not built (${what})`)
  }
}
