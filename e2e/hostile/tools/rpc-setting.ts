import type { GroundSetting } from '../attack.ts'

/** A relay on a chain, nobody who provides, and now and then a question to the chain's node. */
export function rpcSetting(method: string, params: readonly unknown[] = []): GroundSetting {
  const body = { jsonrpc: '2.0', id: 1, method, params }
  return { hasChain: true, providers: 0, pauseMs: 500, question: { kind: 'http', path: '/rpc', body } }
}
