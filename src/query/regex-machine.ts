/**
 * Runs a program (see regex.ts) over a text. A state is the set of instructions that wait for the next character,
 * with what lies before them (nothing, a word character, another); the step out of it by a character is computed
 * once and kept. States and steps kept are bounded: when there are too many, all are dropped and built again as met.
 */
import { type CharTest, charTest, passes } from './char-test.ts'
import { ASSERT, ASSERTIONS, CHAR, JUMP, MATCH, type RegexProgram, SPLIT } from './regex-program.ts'

/** Kept states and kept steps by characters beyond ASCII, before all are dropped: some hundred kilobytes at most. */
const MAX_STATES = 256
const MAX_WIDE_STEPS = 4_096

const AT_START = 0
const AFTER_WORD = 1
const AFTER_OTHER = 2

interface State {
  /** Program counters before the empty steps, ascending. */
  readonly waiting: Int32Array
  readonly before: number
  readonly ascii: (State | undefined)[]
  readonly wide: Map<number, State>
}

export class RegexMachine {
  readonly #program: RegexProgram
  readonly #unicode: boolean
  readonly #word: CharTest
  readonly #states = new Map<string, State>()
  /** Not among the kept ones: never dropped, though its steps are. */
  readonly #start: State
  readonly #accepted: State
  #wideSteps = 0
  /** Marks of the walk over empty steps: an instruction is visited when its mark is the present walk's. */
  readonly #marks: Int32Array
  #walk = 0
  /** CHAR instructions that the last walk found. */
  readonly #found: Int32Array
  #foundCount = 0

  constructor(program: RegexProgram, flags: string) {
    this.#program = program
    this.#unicode = flags.includes('u')
    this.#word = charTest('\\w', flags)
    this.#marks = new Int32Array(program.op.length)
    this.#found = new Int32Array(program.op.length)
    this.#start = newState(Int32Array.of(0), AT_START)
    this.#accepted = newState(new Int32Array(0), AT_START)
  }

  /** True when the pattern matches somewhere in the text. */
  test(text: string): boolean {
    let state = this.#start
    for (let i = 0; i < text.length; i++) {
      let code = text.charCodeAt(i)
      if (this.#unicode && code >= 0xd800 && code <= 0xdbff) {
        code = text.codePointAt(i)!
        if (code > 0xffff) i++
      }
      const next = code < 128 ? state.ascii[code] : state.wide.get(code)
      state = next ?? this.#step(state, code)
      if (state === this.#accepted) return true
    }
    return this.#closure(state, false, true)
  }

  /** Computes and keeps the step out of `state` by `code`. */
  #step(state: State, code: number): State {
    const isWord = this.#isWord(code)
    const accepts = this.#closure(state, isWord, false)
    const next = accepts ? this.#accepted : this.#advance(code, isWord)
    if (code < 128) state.ascii[code] = next
    else {
      if (++this.#wideSteps > MAX_WIDE_STEPS) this.#forget()
      state.wide.set(code, next)
    }
    return next
  }

  #advance(code: number, isWord: boolean): State {
    // 0 is always among them: a match may begin at every place.
    const targets: number[] = [0]
    const { a, tests } = this.#program
    for (let i = 0; i < this.#foundCount; i++) {
      const pc = this.#found[i]!
      if (passes(tests[a[pc]!]!, code, this.#unicode)) targets.push(pc + 1)
    }
    const waiting = Int32Array.from(targets).sort()
    return this.#stateOf(waiting, this.#program.hasAssertions && isWord ? AFTER_WORD : AFTER_OTHER)
  }

  #stateOf(waiting: Int32Array, before: number): State {
    const key = `${before}:${waiting.join()}`
    let state = this.#states.get(key)
    if (state === undefined) {
      if (this.#states.size >= MAX_STATES) this.#forget()
      state = newState(waiting, before)
      this.#states.set(key, state)
    }
    return state
  }

  #forget(): void {
    for (const state of [this.#start, ...this.#states.values()]) {
      state.ascii.fill(undefined)
      state.wide.clear()
    }
    this.#states.clear()
    this.#wideSteps = 0
  }

  /** Follows empty steps from the state; fills `#found`; true when MATCH is reached. */
  #closure(state: State, nextIsWord: boolean, atEnd: boolean): boolean {
    const { op, a, b } = this.#program
    const stack = [...state.waiting]
    const walk = ++this.#walk
    this.#foundCount = 0
    for (let pc = stack.pop(); pc !== undefined; pc = stack.pop()) {
      if (this.#marks[pc] === walk) continue
      this.#marks[pc] = walk
      switch (op[pc]) {
        case CHAR:
          this.#found[this.#foundCount++] = pc
          break
        case SPLIT:
          stack.push(a[pc]!, b[pc]!)
          break
        case JUMP:
          stack.push(a[pc]!)
          break
        case ASSERT:
          if (holds(a[pc]!, state.before, nextIsWord, atEnd)) stack.push(pc + 1)
          break
        case MATCH:
          return true
      }
    }
    return false
  }

  #isWord(code: number): boolean {
    return this.#program.hasAssertions && passes(this.#word, code, this.#unicode)
  }
}

function newState(waiting: Int32Array, before: number): State {
  return { waiting, before, ascii: new Array<State | undefined>(128).fill(undefined), wide: new Map() }
}

function holds(assertion: number, before: number, nextIsWord: boolean, atEnd: boolean): boolean {
  switch (ASSERTIONS[assertion]) {
    case 'start':
      return before === AT_START
    case 'end':
      return atEnd
    case 'word':
      return (before === AFTER_WORD) !== nextIsWord
    default:
      return (before === AFTER_WORD) === nextIsWord
  }
}
