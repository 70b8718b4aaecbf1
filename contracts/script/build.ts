/**
 * `node contracts/script/build.ts [--check]`: writes ABI and bytecode of each contract into shared/abi, or tells which
 * of them are not what the sources give. Needs no forge.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compile, type Artifact } from './compile.ts'

/** By file in shared/abi: source, contract, and the name that its constants begin with. */
const OUTPUTS = [
  { file: 'token.ts', source: 'src/InfernetToken.sol', contract: 'InfernetToken', name: 'token' },
  { file: 'models.ts', source: 'src/Models.sol', contract: 'Models', name: 'models' },
  { file: 'stake.ts', source: 'src/Stake.sol', contract: 'Stake', name: 'stake' },
  { file: 'escrow.ts', source: 'src/Escrow.sol', contract: 'Escrow', name: 'escrow' },
  { file: 'test-coin.ts', source: 'src/local/TestCoin.sol', contract: 'TestCoin', name: 'testCoin' },
  {
    file: 'timelock.ts',
    source: '@openzeppelin/contracts/governance/TimelockController.sol',
    contract: 'TimelockController',
    name: 'timelock',
  },
] as const

const folder = new URL('../../shared/abi/', import.meta.url)
const isCheck = process.argv.includes('--check')
const artifacts = compile(Object.fromEntries(OUTPUTS.map(({ source, contract }) => [source, contract])))
const stale: string[] = []

mkdirSync(folder, { recursive: true })
for (const { file, source, contract, name } of OUTPUTS) {
  const artifact = artifacts[contract]
  if (!artifact) throw new Error(`${contract} was not compiled.`)
  const text = moduleOf(name, source, artifact)
  const path = fileURLToPath(new URL(file, folder))
  if (!isCheck) writeFileSync(path, text)
  else if (readOrNothing(path) !== text) stale.push(`shared/abi/${file}`)
}
if (stale.length > 0) {
  console.error(`Not what contracts/src gives: ${stale.join(', ')}. Run node contracts/script/build.ts.`)
  process.exitCode = 1
}

function moduleOf(name: string, source: string, { abi, bytecode }: Artifact): string {
  return [
    `// Written by contracts/script/build.ts from ${source}: do not edit.`,
    `export const ${name}Abi = ${JSON.stringify(abi)} as const`,
    `export const ${name}Bytecode = '${bytecode}' as const`,
    '',
  ].join('\n')
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
