import { join } from 'node:path'
import type { RelayConfig } from './config/options.ts'
import { mountChain } from './chain/mount-chain.ts'
import type { StakeWatch } from './chain/stake-watch.ts'
import { createRelay, type Relay, type RelayComponents, type RelayMount } from './create-relay.ts'
import { mountDirectory } from './directory/mount-directory.ts'
import { nodeClock } from './node-clock.ts'
import { mountProvider } from './provide/mount-provider.ts'

/** A relay with everything that lives on it: the directory, and where the configuration wants it a chain and the seed provider. */
export function composeRelay(
  components: RelayComponents,
  init: { config: RelayConfig; version: string; recordMs?: number },
): Relay {
  const { config } = init
  let stake: StakeWatch | undefined
  const chain: RelayMount = async (relay) => {
    const { clock = nodeClock, log } = components
    const mounted = await mountChain(relay, { clock, log: log.child({ scope: 'chain' }) }, config)
    stake = mounted.stake
    return mounted
  }
  const directory: RelayMount = async (relay) => {
    const directory = await mountDirectory(relay, {
      mayIntroduce: (provider) => stake?.mayIntroduce(provider) ?? true,
    })
    const provider =
      config.seedProvider === 'on' ? await provide(relay, components, config, directory) : undefined
    return {
      stop: async () => {
        await provider?.stop()
        await directory.stop()
      },
    }
  }
  const mounts = config.networkFile === '' ? [directory] : [chain, directory]
  return createRelay(components, { ...init, mounts })
}

function provide(
  relay: Relay,
  { privateKey }: RelayComponents,
  { modelsFolder, pageFolder, seedModel, seedBackend }: RelayConfig,
  { port }: Awaited<ReturnType<typeof mountDirectory>>,
): ReturnType<typeof mountProvider> {
  return mountProvider(relay, {
    privateKey,
    directory: port,
    modelsFolder: modelsFolder || join(pageFolder, 'models'),
    model: seedModel,
    backend: seedBackend,
  })
}
