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
  const { evmVersion, optimizer, isSlow } = readSettings()
  const paths = Object.keys(files)
  const artifacts: Record<string, Artifact> = {}
  for (const viaIR of [false, true]) {
    const group = paths.filter((path) => isSlow(path) === viaIR)
    const contracts = run(group, { evmVersion, optimizer, viaIR })
    for (const path of group) {
      const name = files[path] ?? ''
      const contract = contracts[path]?.[name]
      if (!contract) throw new Error(`There is no contract ${name} in ${path}.`)
      artifacts[name] = { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` }
    }
  }
  return artifacts
}

function run(paths: readonly string[], settings: object): CompilerOutput['contracts'] {
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(paths.map((path) => [path, read(path)])),
    settings: {
      ...settings,
      metadata: { bytecodeHash: 'none', appendCBOR: false },
      outputSelection: Object.fromEntries(
        paths.map((path) => [path, { '*': ['abi', 'evm.bytecode.object'] }]),
      ),
    },
  }
  const answer = compileStandard(JSON.stringify(input), { import: (path) => tryRead(path) })
  const output = JSON.parse(answer) as CompilerOutput
  const errors = output.errors?.filter(({ severity }) => severity === 'error') ?? []
  if (errors.length > 0) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join('\n'))
  return output.contracts
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

interface Settings {
  readonly evmVersion: string
  readonly optimizer: { readonly enabled: boolean; readonly runs: number }
  /** Whether a source goes through the slower pipeline, which makes cheaper code. */
  readonly isSlow: (path: string) => boolean
}

/** The settings stand once, in foundry.toml, whose lines are plain enough to be read without a parser. */
function readSettings(): Settings {
  const text = readFileSync(join(FOLDER, 'foundry.toml'), 'utf8')
  const value = (key: string, form: string): string => {
    const found = new RegExp(`^${key} = ${form}`, 'm').exec(text)?.[1]
    if (found === undefined) throw new Error(`foundry.toml does not say ${key} as it used to.`)
    return found
  }
  const slow = value('compilation_restrictions', String.raw`\[\{ paths = "(.+)", via_ir = true \}\]`)
  return {
    evmVersion: value('evm_version', '"(.+)"'),
    optimizer: {
      enabled: value('optimizer', '(.+)') === 'true',
      runs: Number(value('optimizer_runs', '(.+)').replaceAll('_', '')),
    },
    isSlow: (path) => path === slow,
  }
}
