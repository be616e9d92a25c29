// An opener in a process or thread of its own: takes and gives back the lock when it is told to.
// argv or workerData: the compiled folder. Messages in: { acquire: folder, mode } | { release: true } | { block: ms }.
import { parentPort, workerData } from 'node:worker_threads'

const compiled = workerData ?? process.argv[2]
const { nodeLocks } = await import(`file://${compiled}/platform/lock.js`)
const { systemRandom } = await import(`file://${compiled}/platform/random.js`)
const locks = nodeLocks(systemRandom())
const port = parentPort ?? process
const tell = (message) => (parentPort ? parentPort.postMessage(message) : process.send(message))
let lock

port.on('message', async (message) => {
  if (message.acquire !== undefined) {
    try {
      const result = await locks.acquire(message.acquire, message.mode)
      lock = result.lock
      tell(lock ? { held: true } : { holder: result.holder })
    } catch (error) {
      tell({ failed: error.code ?? String(error) })
    }
  } else if (message.release) {
    await lock?.release()
    lock = undefined
    tell({ released: true })
  } else if (message.block !== undefined) {
    tell({ blocking: true })
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message.block))
  }
})
tell({ ready: true })
