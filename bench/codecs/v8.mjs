/** node:v8's structured clone. */
export const load = () => import('node:v8')

export function contestants({ serialize, deserialize }) {
  const format = { encode: serialize, decode: deserialize, encodeBatch: serialize, decodeBatch: deserialize }
  return [{ name: 'v8.serialize', open: () => ({ ...format, alone: serialize }) }]
}
