/** What is held in memory, for tests of its bounds. */

const collect = (globalThis as { gc?: () => void }).gc

/**
 * Bytes of the heap and of buffers outside of it, after garbage was collected. Twice, because buffers that a collection
 * frees are taken off the count when another thread has swept them, and the next collection waits for that.
 */
export function heldBytes(): number {
  collect?.()
  collect?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
