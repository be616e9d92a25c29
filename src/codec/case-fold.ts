/**
 * Simple case folding (Unicode CaseFolding.txt, statuses C and S): one code point to one code point, no locale. It is
 * what a regular expression with the flags `iu` does, and that is what the test holds it to. The runtime has no
 * function for it, so it is made of upper- and lower-casing single code points, with the few that differ below.
 */

/** Where casing says otherwise: the dotless i stays, and three have an upper case of several characters. */
const EXCEPTIONS: ReadonlyMap<number, number> = new Map([
  [0x131, 0x131],
  [0x1fd3, 0x390],
  [0x1fe3, 0x3b0],
  [0xfb05, 0xfb06],
])

const NON_ASCII = /[\u0080-\uffff]/

/** Folded unit by unit of the BMP, filled when first asked for; 0 is "not yet". */
const foldedUnits: Uint16Array = new Uint16Array(0x10000)

/** `text` with every code point replaced by its simple case folding. Equal results mean equal but for case. */
export function foldCase(text: string): string {
  if (!NON_ASCII.test(text)) return text.toLowerCase()
  let folded = ''
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i)!
    if (code > 0xffff) {
      folded += String.fromCodePoint(foldCodePoint(code))
      i++
    } else {
      let unit = foldedUnits[code]!
      if (unit === 0 && code !== 0) {
        unit = foldCodePoint(code)
        foldedUnits[code] = unit
      }
      folded += String.fromCharCode(unit)
    }
  }
  return folded
}

function foldCodePoint(code: number): number {
  const exception = EXCEPTIONS.get(code)
  if (exception !== undefined) return exception
  const char = String.fromCodePoint(code)
  const upper = char.toUpperCase()
  const lower = (isSingle(upper) ? upper : char).toLowerCase()
  return isSingle(lower) ? lower.codePointAt(0)! : code
}

function isSingle(text: string): boolean {
  return text.length === (text.codePointAt(0)! > 0xffff ? 2 : 1)
}
