#!/usr/bin/env node
// A `solc` for forge: the wasm build from npm behind the command line that forge speaks
// (`--version`, or `--standard-json` with the input on stdin).
import { readFileSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'

const solc = createRequire(import.meta.url)('solc')
const flags = process.argv.slice(2)

if (flags.includes('--version')) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`)
} else {
  const at = flags.indexOf('--base-path')
  const base = at < 0 ? process.cwd() : flags[at + 1]
  const read = (path) => {
    try {
      return { contents: readFileSync(resolve(base, path), 'utf8') }
    } catch (error) {
      return { error: String(error) }
    }
  }
  write(solc.compile(readFileSync(0, 'utf8'), { import: read }))
}

/** A pipe takes part of a large answer at a time. */
function write(text) {
  const bytes = Buffer.from(text)
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(1, bytes, done)
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
  }
}
