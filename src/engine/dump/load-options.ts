/** What a load and an import are asked for, with its defaults. */
import { BlazeError } from '../../base/errors.ts'
import type { Core } from '../core.ts'
import type { EncryptionOptions } from '../encryption-options.ts'
import { assertKnown } from '../known-options.ts'
import { checkedDurability, type Durability } from '../publisher.ts'
import type { TransferProgress } from './dump.ts'
import type { DumpFormat } from './manifest.ts'
import { Pacer } from './pacer.ts'
import { MAX_STRING } from './record-text.ts'
import type { OnRecordError, WriteMode } from './record-writer.ts'
import type { CsvOptions } from './text-rows.ts'

export interface WritingOptions {
  /**
   * What happens when an id is there. `insert` (default): DUPLICATE_ID. `upsert`: the fields given are put, the others
   * stay. `replace`: the whole record is put.
   */
  readonly mode?: WriteMode
  /** Records of one commit; 250 by default. */
  readonly batchSize?: number
  /** When a batch counts as written; the database's own setting by default. */
  readonly durability?: Durability
  /** Makes the indexes that are described with the records; true by default. */
  readonly indexes?: boolean
  /** Writes also to a collection whose schema this code does not declare. */
  readonly unchecked?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: TransferProgress) => void
  /** Told of each record that cannot be read or is refused, which is then left out; throw in it to stop. */
  readonly onError?: OnRecordError
}

export interface LoadOptions extends WritingOptions {
  /** Of a dump: names of collections; all of them by default. */
  readonly collections?: readonly string[]
  /** Of a file or a stream: the collection that its records go into. */
  readonly collection?: string
  /** Of a file or a stream; for a file, what its name ends in by default. */
  readonly format?: DumpFormat
  /** The secret of what is encrypted; needed then, and refused otherwise. It says itself how a key is made of it. */
  readonly encryption?: EncryptionOptions
  /** How a CSV file is read. */
  readonly csv?: CsvOptions
  /** The longest line or row, in UTF-16 units; 4 × maxRecordBytes by default. */
  readonly maxLineLength?: number
}

/** The options with their defaults. */
export interface LoadSettings extends Omit<LoadOptions, 'encryption'> {
  readonly mode: WriteMode
  readonly batchSize: number
  readonly durability: Durability
  readonly unchecked: boolean
  readonly pacer: Pacer
  readonly onProgress: (progress: TransferProgress) => void
}

/** The options of whatever writes records: a load, an import. */
export const WRITING_OPTIONS: readonly string[] = [
  'mode',
  'batchSize',
  'durability',
  'indexes',
  'unchecked',
  'signal',
  'onProgress',
  'onError',
]
const KNOWN = ['collections', 'collection', 'format', 'encryption', 'csv', 'maxLineLength', ...WRITING_OPTIONS]

/** Of small records the largest batch is installed in a few milliseconds. */
const DEFAULT_BATCH = 250
const MAX_BATCH = 10_000
/** The options of what writes records, with their defaults. */
export function writingSettings(
  core: Core,
  options: WritingOptions,
  what: string,
): Pick<LoadSettings, 'mode' | 'batchSize' | 'durability' | 'unchecked' | 'pacer' | 'onProgress'> {
  const { mode = 'insert', batchSize = DEFAULT_BATCH, durability = core.options.durability } = options
  if (!['insert', 'upsert', 'replace'].includes(mode)) {
    throw invalid('mode', `mode is 'insert', 'upsert' or 'replace', found ${String(mode)}`)
  }
  if (!Number.isSafeInteger(batchSize) || batchSize < 1 || batchSize > MAX_BATCH) {
    throw invalid('batchSize', `batchSize is a whole number from 1 to ${MAX_BATCH}, found ${String(batchSize)}`)
  }
  return {
    mode,
    batchSize,
    durability: checkedDurability(durability),
    unchecked: options.unchecked === true,
    pacer: new Pacer(core.platform.clock, what, options.signal),
    onProgress: options.onProgress ?? (() => undefined),
  }
}

export function checkedOptions(core: Core, options: LoadOptions): LoadSettings {
  assertKnown('load()', options, KNOWN)
  const { maxLineLength = 1 } = options
  if (!Number.isSafeInteger(maxLineLength) || maxLineLength < 1 || maxLineLength > MAX_STRING) {
    throw invalid(
      'maxLineLength',
      `maxLineLength is a whole number from 1 to ${MAX_STRING}, found ${String(maxLineLength)}`,
    )
  }
  const { encryption: _, ...rest } = options
  return { ...rest, ...writingSettings(core, options, 'the load') }
}

function invalid(argument: string, text: string): BlazeError<'INVALID_ARGUMENT'> {
  return new BlazeError('INVALID_ARGUMENT', `${text}.`, { argument })
}
