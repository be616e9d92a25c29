/**
 * Nothing of what a database holds can be read in its files: markers are planted wherever a user's data goes, and every
 * file is searched in every state that a database on this machine's disk goes through. The same life unencrypted is the
 * control: there each marker is found.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { collection } from '../../src/engine/collection-spec.ts'
import { Database } from '../../src/engine/database.ts'
import { openDatabase } from '../../src/engine/open-database.ts'
import { type ManualClock, manualClock } from '../../src/platform/manual-clock.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { closeChecked } from '../engine/fixture.ts'
import { KEY, VARIANTS, type Variant } from '../support/encrypted.ts'
import { figure } from '../support/figure.ts'
import { turns } from '../torture/machine.ts'

/** What is planted, by where: lower case, so that a text index keeps it as it is. */
const MARKERS = {
  value: 'qzvalueqxjw',
  'field name': 'qzfieldqxjw',
  'index key': 'qzindexqxjw',
  id: 'qzidentqxjw',
  'collection name': 'qzcollectqxjw',
  'word of a text index': 'qzsearchqxjw',
  'large record': 'qzpiecesqxjw',
  bytes: 'qzbytesqxjw',
} as const
type Marker = keyof typeof MARKERS

const RECORDS = 120
const NAME = MARKERS['collection name']
const FIELD = MARKERS['field name']

/** The forms in which a text could lie in a file: its letters are the same in UTF-8 and latin1; keys that descend are inverted. */
function formsOf(marker: string): readonly Buffer[] {
  const utf8 = Buffer.from(marker, 'utf8')
  const half = marker.length >> 1
  return [
    Buffer.from(marker, 'utf16le'),
    Buffer.from(marker, 'utf16le').swap16(),
    Buffer.from(utf8.map((byte) => ~byte)),
    utf8.subarray(0, half + 1),
    utf8.subarray(half - 1),
  ]
}

/** Every file below a folder; sockets have no bytes. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(folder, name)).isFile(),
  )
}

/** Searches all files: which markers are there, and in how many files it was searched. */
function scan(folder: string): { readonly found: readonly Marker[]; readonly files: number } {
  const found = new Set<Marker>()
  const names = filesBelow(folder)
  for (const name of names) {
    const bytes = readFileSync(join(folder, name))
    for (const marker of Object.keys(MARKERS) as Marker[]) {
      const forms = formsOf(MARKERS[marker])
      if (name.includes(MARKERS[marker]) || forms.some((form) => bytes.includes(form))) found.add(marker)
    }
  }
  return { found: [...found], files: names.length }
}

function record(id: number, round: number): { id: string } & Record<string, unknown> {
  return {
    id: `${MARKERS.id}-${id}`,
    [FIELD]: id,
    n: (id * 7 + round) % 13,
    key: `${MARKERS['index key']} ${id % 9}`,
    title: `${MARKERS['word of a text index']} number ${id}`,
    text: `${MARKERS.value} `.repeat(300),
    raw: Buffer.from(MARKERS.bytes),
    ...(id === 0 ? { body: MARKERS['large record'].repeat(12_000) } : {}),
  }
}

interface Life {
  readonly folder: string
  readonly clock: ManualClock
  readonly variant: Variant
  /** Each state in which the files were searched, with what was found. */
  readonly seen: Map<string, readonly Marker[]>
  files: number
}

function look(life: Life, state: string, folder = life.folder): void {
  const { found, files } = scan(folder)
  expect(life.seen.has(state)).toBe(false)
  life.seen.set(state, found)
  life.files += files
}

function open({ folder, clock, variant }: Life, key = KEY) {
  return openDatabase({ ...nodePlatform(folder), clock }, folder, {
    collections: {
      [NAME]: collection({
        indexes: ['key', '-key'],
        search: { title: 1 },
      }),
    },
    retain: { logBytes: 0 },
    ...(variant === 'encrypted' ? { encryption: { key } } : {}),
  })
}

async function background({ clock }: Life): Promise<void> {
  for (let i = 0; i < 8; i++) {
    clock.advance(60)
    await turns(2)
  }
}

/** A copy of the files as a killed process leaves them, searched and opened. */
async function lookAtKilled(life: Life, state: string): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'blazedb-killed-'))
  try {
    for (const name of filesBelow(life.folder)) cpSync(join(life.folder, name), join(copy, name))
    look(life, state, copy)
    const db = await open({ ...life, folder: copy })
    expect(db.collection(NAME).count()).toBe(RECORDS)
    look(life, `${state}, opened again`, copy)
    await closeChecked(db)
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** From the first record to the last, through everything that writes files. */
async function live(life: Life): Promise<void> {
  const all = (round: number) => Array.from({ length: RECORDS }, (_, id) => record(id, round))
  let db = await open(life)
  const items = () => db.collection(NAME)
  await items().insertMany(all(0))
  look(life, 'loaded')
  expect(db.collection(NAME).search(MARKERS['word of a text index']).count()).toBe(RECORDS)
  await db.checkpoint()
  look(life, 'checkpointed')
  const held = db.snapshot()
  for (let round = 1; round < 7; round++) {
    await items().upsertMany(all(round), { durability: round % 2 === 0 ? 'relaxed' : 'none' })
    await background(life)
    await db.checkpoint()
    if (Database.coreOf(db as never).spill.sizeBytes > 0 && !life.seen.has('spilled')) look(life, 'spilled')
  }
  expect(held.collection(NAME).get(`${MARKERS.id}-5`)).toEqual(
    items().get(`${MARKERS.id}-5`) && { ...record(5, 0), raw: new Uint8Array(record(5, 0)['raw'] as Buffer) },
  )
  look(life, 'cleaned, with a held snapshot')
  held.close()
  await background(life)
  await db.dropIndex(NAME, '-key')
  await items().insert(record(RECORDS, 9))
  await items().delete(`${MARKERS.id}-3`)
  await lookAtKilled({ ...life, seen: life.seen }, 'killed')
  await closeChecked(db)
  look(life, 'closed')
  db = await open(life)
  await items().insert(record(RECORDS + 1, 9))
  if (life.variant === 'encrypted') await db.rekey({ key: new Uint8Array(32).fill(9) })
  look(life, 'rekeyed')
  await closeChecked(db)
  look(life, 'rekeyed and closed')
}

it.each(VARIANTS)(
  'no file of an encrypted database shows what it holds, in any state; a plain one does: $variant',
  async ({ variant }) => {
    const folder = mkdtempSync(join(tmpdir(), 'blazedb-plaintext-'))
    const life: Life = { folder, clock: manualClock(), variant, seen: new Map(), files: 0 }
    try {
      await live(life)
    } finally {
      rmSync(folder, { recursive: true })
    }
    expect([...life.seen.keys()]).toContain('spilled')
    if (variant === 'encrypted') {
      expect([...life.seen].filter(([, found]) => found.length > 0)).toEqual([])
      figure('encryption', 'files searched for plaintext, none found', life.files)
    } else {
      expect([...new Set([...life.seen.values()].flat())].sort()).toEqual(Object.keys(MARKERS).sort())
    }
  },
)
