/** A handle every call of which is a step: methods give promises, `collection()` and properties give handles of this kind. */
export type Stepped<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R
    ? K extends 'collection'
      ? (...args: A) => Stepped<R>
      : (...args: A) => Promise<Awaited<R>>
    : T[K] extends object
      ? Stepped<T[K]>
      : T[K]
}

/**
 * Wraps an object so that each call waits for its turn before it is made. `collection` is not a step: it only finds a handle.
 * What a call gives is not wrapped: `(await tx.items.where({ n: 1 })).all()` is one step, before `where`.
 */
export function stepped<T extends object>(handle: T, step: (label: string) => Promise<void>): Stepped<T> {
  const proxy = new Proxy(handle, {
    get(target, name) {
      // With the handle itself as receiver: its getters and methods have private members.
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value === 'function') return call(target, name, value, step)
      return typeof value === 'object' && value !== null ? stepped(value, step) : value
    },
  })
  // The proxy answers each property as the type says.
  return proxy as unknown as Stepped<T>
}

function call(
  target: object,
  name: string | symbol,
  method: object,
  step: (label: string) => Promise<void>,
): (...args: unknown[]) => unknown {
  // Only called for functions, which `typeof` does not narrow to what can be applied.
  const invoke = (args: unknown[]): unknown => Reflect.apply(method as (...args: unknown[]) => unknown, target, args)
  if (typeof name === 'symbol') return (...args) => invoke(args)
  // What finds a handle gives an object.
  if (name === 'collection') return (...args) => stepped(invoke(args) as object, step)
  return async (...args) => {
    await step(name)
    return await invoke(args)
  }
}
