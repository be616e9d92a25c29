/** Sealed dumps, and what their files are made of. */
import type { EncryptionOptions, KeyDerivation } from '../../../src/engine/encryption-options.ts'
import type { FileSystem } from '../../../src/platform/platform.ts'
import { readBytes, writeFile } from './dump-fixture.ts'

export const KEY: Uint8Array = Uint8Array.from({ length: 32 }, (_, i) => 100 + i)
export const OTHER_KEY: Uint8Array = KEY.map((byte) => byte ^ 1)

/** The weakest that is allowed: enough for a test. */
export const QUICK: KeyDerivation = { name: 'scrypt', cost: 2 ** 14, blockSize: 1, parallelism: 1 }

/** Each kind of secret: as it seals, and as it opens. */
export const SECRETS: readonly { readonly seals: EncryptionOptions; readonly opens: EncryptionOptions }[] = [
  { seals: { key: KEY }, opens: { callback: () => KEY } },
  { seals: { password: 'caf\u00e9', kdf: QUICK }, opens: { password: 'cafe\u0301' } },
  { seals: { callback: async () => 'word', kdf: QUICK }, opens: { password: 'word' } },
  { seals: { callback: () => KEY }, opens: { key: KEY } },
]

/** The grammar of sealed-file.ts, said a second time. */
export const IDENTITY = 512
export const HEAD = 576
export const PART_AT = 544
export const PLAIN_PIECE = 65_536
export const PIECE: number = PLAIN_PIECE + 16

export type Files = ReadonlyMap<string, Uint8Array>

/** The files of a folder, by name. */
export function filesIn(files: FileSystem, folder: string): Files {
  return new Map(files.listSync(folder).map((name) => [name, readBytes(files, `${folder}/${name}`)]))
}

/** The folder with these files and no others, where `before` are those that it has: what is the same is not written. */
export function fillFolder(files: FileSystem, folder: string, content: Files, before: Files): void {
  if (!files.existsSync(folder)) files.makeFolderSync(folder)
  for (const name of before.keys()) if (!content.has(name)) files.unlinkSync(`${folder}/${name}`)
  for (const [name, bytes] of content) {
    if (before.get(name) !== bytes) writeFile(files, `${folder}/${name}`, bytes)
  }
}

/** All bytes of a stream. */
export async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const found: Uint8Array[] = []
  for await (const piece of pieces) found.push(piece)
  return new Uint8Array(Buffer.concat(found))
}

/** A stream of the bytes, in pieces of a size. */
export async function* streamOf(bytes: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
