/** The constants of the bytes of streams; stream.ts has the grammar. */

/** The first bytes; the last of them is the format number. */
export const HEAD: Uint8Array = Uint8Array.of(0x89, 0x42, 0x4c, 0x5a, 0x53, 0x0d, 0x0a, 0x00)

/** The kinds of block. */
export const KIND_END = 0
export const KIND_RECORDS = 1

/** Bytes of a block before and after what is stored. */
export const BLOCK_HEAD_SIZE = 10
export const BLOCK_TAIL_SIZE = 4

/** Records that a block can have: what a reader has to hold as objects at one time. */
export const MAX_RECORDS_PER_BLOCK = 65_536
/** The most that a writer can be told to gather before it closes a block. */
export const MAX_BYTES_PER_BLOCK: number = 16 * 1024 * 1024
/** The largest block there is: twice the largest record that a database takes unless it is told to. */
export const MAX_BLOCK_BYTES: number = 128 * 1024 * 1024
