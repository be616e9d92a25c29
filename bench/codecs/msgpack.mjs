/** @msgpack/msgpack: one encoder and one decoder, kept. */
export const load = () => import('@msgpack/msgpack')

export function contestants({ Encoder, Decoder }) {
  const open = () => {
    const encoder = new Encoder()
    const decoder = new Decoder()
    // A view of the encoder's own buffer, without a copy.
    const encode = (value) => encoder.encodeSharedRef(value)
    const decode = (bytes) => decoder.decode(bytes)
    return { encode, decode, encodeBatch: encode, decodeBatch: decode, alone: encode }
  }
  return [{ name: '@msgpack/msgpack', open }]
}
