import { existsSync, readFileSync } from 'node:fs'
import { until } from '../../relay/testing/fixtures.ts'
import type { LocalChain } from './local-chain.ts'

/** Ends it as a machine that is switched off does. */
export async function killChain(chain: LocalChain): Promise<void> {
  const anvils = childrenOf(chain.anvil.pid)
  process.kill(chain.anvil.pid, 'SIGKILL')
  for (const pid of anvils) process.kill(pid, 'SIGKILL')
  await chain.anvil.ended
  await until('anvil to be gone', () => anvils.every((pid) => !existsSync(`/proc/${pid}`)))
}

export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
}
