import { copyFileSync, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { systemCode, systemReason } from '../../relay/base/system-reason.ts'

/** How the file ends when it was written whole: anvil writes it in place, so a killed one leaves any part of it. */
const TAIL = '}'
/** Empty blocks that are kept at a restart, for who looks a little back. */
const KEPT_EMPTY_BLOCKS = 64

interface ChainState {
  readonly best_block_number: number | string
  readonly blocks: readonly { header: { number: string }; transactions: readonly unknown[] }[]
  readonly transactions?: readonly { readonly info: object }[]
}

/** The copy of the last whole state. */
const copyOf = (stateFile: string): string => `${stateFile}.whole`

/**
 * Copies the state when it is whole, so that one that was cut in half can be replaced. Returns whether it did.
 */
export function keepWholeState(stateFile: string): boolean {
  if (!existsSync(stateFile) || statSync(stateFile).size === 0) return false
  const draft = `${stateFile}.draft`
  copyFileSync(stateFile, draft)
  if (!readState(draft)) return false
  renameSync(draft, copyOf(stateFile))
  return true
}

/** The last block of the copy, which is what a killed chain comes back with at least; undefined without a copy. */
export function keptBlock(stateFile: string): number | undefined {
  const state = readState(copyOf(stateFile))
  return state && Number(state.best_block_number)
}

/**
 * Makes the state ready for a start: the copy where the file was cut, and without what nobody asks for again: the empty
 * blocks of the past, and the trace of each call of each transaction, which is four fifths of what a transaction takes
 * (measured: 20 KB of 25). Receipts and logs stay. Throws when neither is readable: starting anew would silently forget what was paid.
 */
export function prepareState(stateFile: string): void {
  const whole = [stateFile, copyOf(stateFile)].filter((file) => existsSync(file))
  if (whole.length === 0) return
  const state = whole.map(readState).find((each) => each !== undefined)
  if (!state)
    throw new Error(
      `The local chain's state ${stateFile} is damaged, and so is its copy. Nothing was changed. Move its folder away to ` +
        'begin with a new chain; what was paid on the old one is then forgotten.',
    )
  const draft = `${stateFile}.trimmed` // not that of the copy, which another process may be writing
  writeFileSync(draft, JSON.stringify(withoutTraces(withoutOldEmptyBlocks(state))))
  renameSync(draft, stateFile)
}

function withoutOldEmptyBlocks(state: ChainState): ChainState {
  const best = Number(state.best_block_number)
  const blocks = state.blocks.filter(({ header, transactions }) => {
    const number = Number(header.number)
    return transactions.length > 0 || number === 0 || number > best - KEPT_EMPTY_BLOCKS
  })
  return { ...state, blocks }
}

function withoutTraces(state: ChainState): ChainState {
  const transactions = state.transactions?.map((each) => ({
    ...each,
    info: { ...each.info, traces: [], out: null },
  }))
  return transactions ? { ...state, transactions } : state
}

function readState(file: string): ChainState | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined
    // Not damaged, perhaps: whoever may read it finds it whole.
    throw new Error(`Reading ${file} failed (${systemReason(cause)}). The file was not changed.`, { cause })
  }
  try {
    return text.endsWith(TAIL) ? (JSON.parse(text) as ChainState) : undefined
  } catch {
    return undefined
  }
}
