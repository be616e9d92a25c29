/**
 * A folder of the memory twin. Its entries are what the operating system shows; `durable` is what a sync of the folder
 * last made sure of; the changes between them are kept apart, because a power cut may keep each of them or not.
 *
 * A rename is one change: a node has one name at a time, so a cut leaves it under the old name or under the new one, and
 * a replaced target is the old file or the new one, never neither.
 */
import type { Choose } from './memory-file.ts'
import { MemoryFile } from './memory-file.ts'

export type MemoryNode = MemoryFile | MemoryFolder

/** `name` is what the node is called after the change; undefined = removed. */
interface EntryChange {
  readonly node: MemoryNode
  readonly name: string | undefined
}

/** How to copy what one node leaves behind. */
type CopyFile = (file: MemoryFile) => MemoryFile

/** The entries of one folder, shown and durable. */
export class MemoryFolder {
  #entries = new Map<string, MemoryNode>()
  #durable = new Map<string, MemoryNode>()
  #changes: EntryChange[] = []

  get(name: string): MemoryNode | undefined {
    return this.#entries.get(name)
  }

  names(): string[] {
    return [...this.#entries.keys()]
  }

  put(name: string, node: MemoryNode): void {
    this.#change(name, node)
  }

  remove(name: string): void {
    const node = this.#entries.get(name)
    if (node !== undefined) this.#change(undefined, node)
  }

  /** Gives the node called `from` the name `to`, in place of what may be there. */
  rename(from: string, to: string): void {
    if (from !== to) this.#change(to, this.#entries.get(from)!)
  }

  sync(): void {
    this.#durable = new Map(this.#entries)
    this.#changes = []
  }

  /** All entries as they are shown (the process was killed, the machine runs on). */
  shownCopy(copyFile: CopyFile): MemoryFolder {
    return copied(this.#entries, copyFile, (folder) => folder.shownCopy(copyFile))
  }

  /** Only what was synced. */
  durableCopy(copyFile: CopyFile): MemoryFolder {
    return copied(this.#durable, copyFile, (folder) => folder.durableCopy(copyFile))
  }

  /** One of the folders a power cut may leave: each change since the last sync kept or lost. */
  tornCopy(choose: Choose, copyFile: CopyFile): MemoryFolder {
    const entries = new Map(this.#durable)
    for (const change of this.#changes) if (choose(2) === 1) apply(entries, change)
    return copied(entries, copyFile, (folder) => folder.tornCopy(choose, copyFile))
  }

  #change(name: string | undefined, node: MemoryNode): void {
    const change = { node, name }
    apply(this.#entries, change)
    this.#changes.push(change)
  }
}

function apply(entries: Map<string, MemoryNode>, { node, name }: EntryChange): void {
  for (const [at, other] of entries) if (other === node) entries.delete(at)
  if (name !== undefined) entries.set(name, node)
}

function copied(
  entries: ReadonlyMap<string, MemoryNode>,
  copyFile: CopyFile,
  copyFolder: (folder: MemoryFolder) => MemoryFolder,
): MemoryFolder {
  const copy = new MemoryFolder()
  const names = [...entries.keys()].sort()
  for (const name of names) {
    const node = entries.get(name)!
    copy.put(name, node instanceof MemoryFile ? copyFile(node) : copyFolder(node))
  }
  copy.sync()
  return copy
}
