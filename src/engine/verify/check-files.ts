/** The files beside the log: identity, root, directory, and every page image that the map names. */
import { equalBytes } from '../../base/bytes.ts'
import { isBlazeError } from '../../base/errors.ts'
import { readDirectory } from '../../gc/directory-file.ts'
import type { PageMap } from '../../gc/page-map.ts'
import type { Root } from '../../gc/root.ts'
import type { Platform } from '../../platform/platform.ts'
import type { Seals } from '../../wal/seal.ts'
import { fileIdOf, IDENTITY_SIZE, isSealedIdentity } from '../identity.ts'
import { IDENTITY_FILES } from '../identity-file.ts'
import { type RootKeys, readRoot, readSmallFile } from '../root-file.ts'
import { type Check, problem, problemOf, type VerifyProblem } from './problem.ts'

/** Both identity files are there, sealed and the same; the root is sealed. */
export function* checkSmallFiles(platform: Platform, folder: string, keys: RootKeys): Check {
  const found: Uint8Array[] = []
  for (const name of IDENTITY_FILES) {
    const file = `${folder}/${name}`
    const bytes = readSmallFile(platform.files, file, IDENTITY_SIZE)
    if (bytes === undefined) yield problem('identity', `${name} is missing`, { file })
    else if (!isSealedIdentity(bytes))
      yield problem('identity', `${name} does not have its checksum`, { file, offset: 0 })
    else found.push(bytes)
  }
  const [first, second] = found
  if (first !== undefined && second !== undefined && !equalBytes(first, second)) {
    yield differing(first, second, `${folder}/identity`)
  }
  const file = `${folder}/root`
  try {
    if (readRoot(platform, folder, keys) === undefined) {
      yield problem('root', 'the root is missing or does not have its checksum', { file, offset: 0 })
    }
  } catch (error) {
    yield problemOf('root', error, { file })
  }
}

/** A rekey that was cut keeps the file id; a file that came from elsewhere has another. */
function differing(first: Uint8Array, second: Uint8Array, file: string): VerifyProblem {
  if (equalBytes(fileIdOf(first), fileIdOf(second))) {
    return problem('identity', 'the two identity files differ: a change of keys was cut', { file })
  }
  const whatToDo =
    'Keep a copy of both. `identity` is the one that is used; where the database does not open with it, put `identity.copy` in its place.'
  return { ...problem('identity', 'the two identity files are of different databases', { file }), whatToDo }
}

/** The directory that the root names. Its bytes are read before anything is awaited. */
export async function checkDirectory(
  platform: Platform,
  folder: string,
  root: Root,
  options: { readonly readOnlyFolder: boolean; readonly seals: Seals },
): Promise<VerifyProblem | undefined> {
  if (root.directory === undefined) return undefined
  try {
    await readDirectory(platform, folder, root.directory, options)
    return undefined
  } catch (error) {
    return problemOf('directory', error)
  }
}

/** Every page image and map page that is named, read from its file. */
export function* checkPages(map: PageMap, counts: { pages: number }): Check {
  for (const failed of map.readAll()) {
    counts.pages++
    if (failed !== undefined) yield pageProblem(failed.error)
    yield undefined
  }
}

function pageProblem(error: unknown): VerifyProblem {
  const file = isBlazeError(error, 'IO') ? { file: error.details.file } : {}
  return problemOf('page', error, file)
}
