/** Small files, in one line each. */
import { FileError, type FileSystem } from '../../src/platform/platform.ts'

/** Bytes of these values. */
export function bytes(...values: number[]): Uint8Array {
  return Uint8Array.from(values)
}

/** The code with which a call refuses. */
export function codeOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof FileError) return error.code
    throw error
  }
  return 'no error'
}

/** Makes a file of these bytes. */
export function write(files: FileSystem, path: string, content: Uint8Array): void {
  const file = files.openSync(path, 'write')
  file.writeSync(content, 0, content.length, 0)
  file.closeSync()
}

/** The bytes of a file. */
export function readAll(files: FileSystem, path: string): Uint8Array {
  const file = files.openSync(path, 'read')
  const target = new Uint8Array(file.sizeSync())
  const size = file.readSync(target, 0, target.length, 0)
  file.closeSync()
  return target.subarray(0, size)
}
