/** A random UUID (version 4) as a flat string. */
const idBytes = Buffer.alloc(16)

export function uuid(random) {
  for (let at = 0; at < 16; at += 4) idBytes.writeUInt32LE(random.bits(), at)
  idBytes[6] = (idBytes[6] & 0x0f) | 0x40
  idBytes[8] = (idBytes[8] & 0x3f) | 0x80
  const hex = idBytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
