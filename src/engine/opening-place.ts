/** Where in the caller's code something was opened: the stack from the first frame that is not the package's own. */

/** The folder that the package's code runs from, as its frames show it. */
const OWN_CODE: string = new URL('..', import.meta.url).pathname
/** Frames of the package between the caller and here are about eight. */
const FRAMES = 40
/** What is kept of the caller's. */
const KEPT_FRAMES = 12

/** Frames of the runtime itself have none. */
const HAS_PLACE = /:\d+:\d+\)?$/

/** A stack of the caller's frames, a line each; undefined where the runtime gives none. */
export function openingPlace(): string | undefined {
  const before = Error.stackTraceLimit
  Error.stackTraceLimit = FRAMES
  const { stack } = new Error('opened')
  Error.stackTraceLimit = before
  const frames = (stack ?? '').split('\n').slice(1)
  const first = frames.findIndex((frame) => HAS_PLACE.test(frame) && !frame.includes(OWN_CODE))
  if (first < 0) return undefined
  return frames
    .slice(first, first + KEPT_FRAMES)
    .map((frame) => frame.trim())
    .join('\n')
}
