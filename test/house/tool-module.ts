import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** The folder of the project. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url))

/** A module under tools/. They are plain JavaScript, so its user says what it exports, and a wrong word fails the test. */
export async function toolModule<T>(file: string): Promise<T> {
  return (await import(pathToFileURL(join(root, 'tools', file)).href)) as T
}
