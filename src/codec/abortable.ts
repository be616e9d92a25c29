/** Sources that stop when a signal says so. */
import { BlazeError } from '../base/errors.ts'

/** What records and chunks are pulled from. */
export type Source<T> = Iterable<T> | AsyncIterable<T>

/**
 * The source, or one that gives the same until `signal` is aborted: then the next pull, also one under way, rejects with
 * ABORTED, and the source is closed. Nobody waits for that: a source that hangs would hang its consumer as well.
 */
export function abortable<T>(source: Source<T>, signal: AbortSignal | undefined): Source<T> {
  if (signal === undefined) return source
  return {
    [Symbol.asyncIterator](): AsyncIterator<T> {
      const iterator = iteratorOf(source)
      return {
        async next() {
          if (signal.aborted) throw close(iterator, signal)
          return await orAborted(iterator, signal)
        },
        async return(value?: unknown) {
          await iterator.return?.(value)
          return { done: true, value: undefined }
        },
      }
    },
  }
}

function iteratorOf<T>(source: Source<T>): Iterator<T> | AsyncIterator<T> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
}

function orAborted<T>(iterator: Iterator<T> | AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T>> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(close(iterator, signal))
    const pull = async (): Promise<IteratorResult<T>> => await iterator.next()
    // A listener for each pull, taken away after it: one that stayed would keep everything alive that it saw.
    signal.addEventListener('abort', abort, { once: true })
    pull()
      .finally(() => signal.removeEventListener('abort', abort))
      .then(resolve, reject)
  })
}

/** Closes the iterator without waiting; gives the error to end with. */
function close(iterator: Iterator<unknown> | AsyncIterator<unknown>, signal: AbortSignal): BlazeError<'ABORTED'> {
  // What closing comes to is of no interest to anyone any more: the consumer gets ABORTED.
  Promise.resolve()
    .then(() => iterator.return?.())
    .catch(() => undefined)
  return new BlazeError('ABORTED', 'The stream was aborted by its signal; its source was closed.', undefined, {
    cause: signal.reason,
  })
}
