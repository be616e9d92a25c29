/** JSON from and to bytes; and with its dates made Dates again, which is what binary formats hand out. */
export const load = async () => JSON

export function contestants() {
  return [
    { name: 'JSON', open: () => format((record) => record) },
    { name: 'JSON+dates', open: ({ revive }) => (revive === undefined ? undefined : format(revive)) },
  ]
}

function format(revive) {
  const encode = (value) => Buffer.from(JSON.stringify(value))
  return {
    encode,
    decode: (bytes) => revive(JSON.parse(bytes.toString())),
    encodeBatch: encode,
    decodeBatch: (bytes) => {
      const records = JSON.parse(bytes.toString())
      for (let at = 0; at < records.length; at++) records[at] = revive(records[at])
      return records
    },
    alone: encode,
  }
}
