/**
 * A copy of a closed function, with compiled code and inline caches of its own. All contestants run the same source in
 * one process, but what one's objects look like must not be seen by another's loop: an application has one codec.
 */
export function ownCopy(fn, label) {
  // The label makes the source differ: equal sources share their compiled code.
  return new Function(`return ${fn} /* ${label} */`)()
}
