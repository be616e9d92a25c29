import { statfsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * What the file system below a path is, by the magic number of statfs(2) (linux/magic.h). Only Linux tells by number;
 * elsewhere, and for numbers we do not know, the answer is the cautious one.
 */
export interface FileSystemKind {
  /** True for ext4, XFS and others that overwrite in place: zero-filling ahead saves the allocation later. */
  readonly overwritesInPlace: boolean
  /** True for NFS, SMB and the like, whose locks, renames and syncs do not hold what a log needs. */
  readonly network: boolean
}

const COPY_ON_WRITE: ReadonlySet<number> = new Set([
  0x9123683e, // btrfs
  0x2fc12fc1, // zfs
  0xca451a4e, // bcachefs
  0xf2f52010, // f2fs
])

const NETWORK: ReadonlySet<number> = new Set([
  0x6969, // nfs
  0xff534d42, // cifs
  0xfe534d42, // smb2
  0x517b, // smb
  0x5346414f, // afs
  0x00c36400, // ceph
  0x0bd00bd0, // lustre
  0x47504653, // gpfs
  0x73757245, // coda
])

/** The kind of the file system that holds `path`, or would hold it once created (its nearest existing parent decides). */
export function fileSystemKind(path: string): FileSystemKind {
  const magic = magicOf(resolve(path))
  return kindOfMagic(process.platform, magic)
}

/** True when `path` lies on a network file system, as far as the machine tells. */
export function networkFileSystem(path: string): boolean {
  return fileSystemKind(path).network
}

/** The table behind {@link fileSystemKind}. */
export function kindOfMagic(platform: NodeJS.Platform, magic: number | undefined): FileSystemKind {
  if (platform !== 'linux') return { overwritesInPlace: false, network: false }
  if (magic === undefined) return { overwritesInPlace: true, network: false }
  const network = NETWORK.has(magic)
  return { overwritesInPlace: !network && !COPY_ON_WRITE.has(magic), network }
}

function magicOf(path: string): number | undefined {
  for (let at = path; ; at = dirname(at)) {
    try {
      return statfsSync(at).type >>> 0
    } catch {
      // Absent, or not ours to look at: the parent is asked; opening the file itself reports the error that matters.
      if (at === dirname(at)) return undefined
    }
  }
}
