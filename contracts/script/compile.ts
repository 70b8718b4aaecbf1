/**
 * Compiles contracts/src with the wasm compiler from npm and the settings of foundry.toml: the same bytecode as forge
 * gives, on every platform that has Node.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import solc from 'solc'

export interface Artifact {
  readonly abi: readonly unknown[]
  /** What deploys it, as hex with `0x`; its constructor's arguments come after it. */
  readonly bytecode: string
}

interface CompilerOutput {
  readonly errors?: readonly { severity: string; formattedMessage: string }[]
  readonly contracts: Readonly<
    Record<string, Readonly<Record<string, { abi: unknown[]; evm: { bytecode: { object: string } } }>>>
  >
}

const FOLDER = fileURLToPath(new URL('../', import.meta.url))
const compileStandard = solc.compile as (
  input: string,
  callbacks: { import: (path: string) => { contents: string } | { error: string } },
) => string

/**
 * @param files Contract names by source path, as an import would write it, e.g. `src/Stake.sol`.
 * @throws Error with the compiler's words.
 */
export function compile(files: Readonly<Record<string, string>>): Readonly<Record<string, Artifact>> {
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(Object.keys(files).map((path) => [path, read(path)])),
    settings: {
      ...readSettings(),
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  }
  const output = JSON.parse(
    compileStandard(JSON.stringify(input), { import: (path) => tryRead(path) }),
  ) as CompilerOutput
  const errors = output.errors?.filter(({ severity }) => severity === 'error') ?? []
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'))
  return Object.fromEntries(
    Object.entries(files).map(([path, name]) => {
      const contract = output.contracts[path]?.[name]
      if (!contract) throw new Error(`There is no contract ${name} in ${path}.`)
      return [name, { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }]
    }),
  )
}

function read(path: string): { content: string } {
  const file = path.startsWith('@') ? createRequire(import.meta.url).resolve(path) : join(FOLDER, path)
  return { content: readFileSync(file, 'utf8') }
}

function tryRead(path: string): { contents: string } | { error: string } {
  try {
    return { contents: read(path).content }
  } catch (thrown) {
    return { error: String(thrown) }
  }
}

/** The settings stand once, in foundry.toml, whose lines are plain enough to be read without a parser. */
function readSettings(): Record<string, unknown> {
  const text = readFileSync(join(FOLDER, 'foundry.toml'), 'utf8')
  const value = (key: string): string => {
    const found = new RegExp(`^${key} = (.+)$`, 'm').exec(text)?.[1]
    if (found === undefined) throw new Error(`foundry.toml does not say ${key}.`)
    return found.replaceAll('"', '').replaceAll('_', '')
  }
  return {
    evmVersion: value('evm_version'),
    viaIR: value('via_ir') === 'true',
    optimizer: { enabled: value('optimizer') === 'true', runs: Number(value('optimizer_runs')) },
  }
}
