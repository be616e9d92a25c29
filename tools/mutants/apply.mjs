/** Planting a mutant: a text that stands exactly once is replaced. */

/** `source` with `find` replaced. Throws when it is not there, or more than once: the mutant no longer says what it means. */
export function applied(source, { file, find, replace }) {
  const parts = source.split(find)
  if (parts.length !== 2) {
    throw new Error(
      `${file} holds this ${parts.length - 1} times, not once; bring the mutant along with the source:\n${find}`,
    )
  }
  return parts.join(replace)
}

/** The files that a mutant changes, with their new text. `read` gives a file's text. */
export function planted(mutant, read) {
  const texts = new Map()
  for (const edit of mutant.edits) texts.set(edit.file, applied(texts.get(edit.file) ?? read(edit.file), edit))
  return texts
}
