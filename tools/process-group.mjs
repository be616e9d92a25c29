/**
 * Runs a command with all that it starts, so that none of it outlives us: a test that hangs in a loop does not hear that its
 * runner has gone.
 */
import { spawn } from 'node:child_process'

const running = new Set()

/** Ends a process and what it has started. */
function end(child) {
  try {
    // A group has the number of its leader; other systems know none.
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

function endAll() {
  for (const child of running) end(child)
}

process.on('exit', endAll)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130))

/** Resolves with `{ status, output, isHung }`. `show`: its output goes to ours at once, and is not kept. */
export function runGroup(command, args, { cwd, env, limitMs, show = false }) {
  const stdio = ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe']
  const child = spawn(command, args, { cwd, env, stdio, detached: process.platform !== 'win32' })
  running.add(child)
  let output = ''
  let isHung = false
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  }
  const timer = setTimeout(() => {
    isHung = true
    end(child)
  }, limitMs)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => {
      clearTimeout(timer)
      // A worker may be left where its runner was ended.
      end(child)
      running.delete(child)
      resolve({ status, output, isHung })
    })
  })
}
