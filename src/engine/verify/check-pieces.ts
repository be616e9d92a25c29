/** The pieces of large records: each record's are there, and each piece belongs to exactly one record. */
import type { CollectionState } from '../collection-state.ts'
import { PIECE_BYTES } from '../commit.ts'
import type { Core } from '../core.ts'
import { type Check, problem, problemOf } from './problem.ts'

interface Owner {
  readonly collection: CollectionState
  readonly slot: number
  readonly pieces: number
}

export class Pieces {
  readonly #core: Core
  /** Pieces written later belong to records that may have been passed already. */
  readonly #before: number
  readonly #owners = new Map<string, Owner>()
  count = 0

  constructor(core: Core) {
    this.#core = core
    this.#before = core.installed
  }

  /** A record names the object that its pieces are of. */
  *note(collection: CollectionState, slot: number, object: { readonly object: string; readonly size: number }): Check {
    const known = this.#owners.get(object.object)
    const isOther = known !== undefined && (known.collection !== collection || known.slot !== slot)
    // The other one may have let go of it since.
    if (isOther && ownsNow(known, object.object)) {
      const text = `two records name the pieces of ${object.object}`
      yield problem('piece', text, { collection: collection.name, id: collection.idIn(slot) })
    }
    this.#owners.set(object.object, { collection, slot, pieces: Math.ceil(object.size / PIECE_BYTES) })
  }

  /** Every piece is one that a record names. After all collections. */
  *checkOwned(): Check {
    const { pieces } = this.#core.system
    const { heap } = pieces
    for (let slot = 0; slot < heap.slots.highSlot; slot++) {
      if (!heap.isLive(slot) || heap.slots.commitOf(slot) > this.#before) continue
      this.count++
      yield* this.#checkPiece(pieces, slot)
      yield undefined
    }
  }

  *#checkPiece(pieces: CollectionState, slot: number): Check {
    let id: string
    try {
      id = String(pieces.idIn(slot))
    } catch (error) {
      yield problemOf('piece', error)
      return
    }
    const at = id.lastIndexOf(':')
    const owner = this.#owners.get(id.slice(0, at))
    if (owner === undefined || !(Number(id.slice(at + 1)) < owner.pieces)) {
      yield problem('piece', `piece ${id} belongs to no record`)
    }
  }
}

function ownsNow({ collection, slot }: Owner, object: string): boolean {
  const { heap } = collection
  return heap.isLive(slot) && collection.piecesAt(heap.slots.placeOf(slot))?.object === object
}
