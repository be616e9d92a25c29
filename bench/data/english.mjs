/** English text of the benchmarks' records. */
const WORDS =
  'login page crash save button search index slow query error button dialog user session export import report table column filter sort date time zone memory leak disk network timeout retry cache stale update delete insert record field value null empty title list view mobile desktop browser keyboard mouse focus scroll zoom print email link image upload download file folder path name password token secret role group team project board card comment mention notification badge count total sum average chart axis legend color theme dark light font size layout margin after before when while during under missing wrong broken'.split(
    ' ',
  )

/** Words until a length drawn between two bounds is reached; a word that would pass the upper one ends it before. */
export function sentence(random, low, high) {
  const target = random.whole(low, high)
  const words = []
  let length = -1
  while (length < target) {
    const word = random.pick(WORDS)
    if (length + 1 + word.length > high) break
    words.push(word)
    length += word.length + 1
  }
  // join() makes a flat string.
  return words.join(' ')
}
