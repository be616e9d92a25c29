/**
 * Encrypted variants of tests: on a platform that is marked, and on what its crashes leave, the fixtures open everything
 * with one known key. Which tests run both ways, and how often, they say themselves.
 */
import type { CollectionSpecs } from '../../src/engine/collection-spec.ts'
import type { OpenOptions } from '../../src/engine/open-options.ts'
import type { MemoryPlatform } from '../../src/platform/memory-platform.ts'

export const KEY: Uint8Array = Uint8Array.from({ length: 32 }, (_, i) => 200 - i * 3)

/** How a test is run: plain at full length, encrypted at a share of it. */
export const VARIANTS = [
  { variant: 'plain', share: 1 },
  { variant: 'encrypted', share: 0.15 },
] as const

export type Variant = (typeof VARIANTS)[number]['variant']

/** The code of damage that a seal finds. */
export const DAMAGE: Readonly<Record<Variant, 'CORRUPT' | 'TAMPERED'>> = { plain: 'CORRUPT', encrypted: 'TAMPERED' }

const marked = new WeakSet<MemoryPlatform>()

/** The platform as the variant wants it. */
export function platformFor(variant: Variant, platform: MemoryPlatform): MemoryPlatform {
  return variant === 'encrypted' ? encrypted(platform) : platform
}

export function isEncrypted(platform: MemoryPlatform): boolean {
  return marked.has(platform)
}

/** The options with which a database on this platform is opened. */
export function optionsOn<C extends CollectionSpecs>(
  platform: MemoryPlatform,
  options: OpenOptions<C>,
): OpenOptions<C> {
  return isEncrypted(platform) ? { encryption: { key: KEY }, ...options } : options
}

function encrypted(platform: MemoryPlatform): MemoryPlatform {
  const twin: MemoryPlatform = { ...platform, crash: (options) => encrypted(platform.crash(options)) }
  marked.add(twin)
  return twin
}
