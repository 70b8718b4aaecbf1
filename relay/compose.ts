import { join } from 'node:path'
import type { RelayConfig } from './config/options.ts'
import { createRelay, type Relay, type RelayComponents, type RelayMount } from './create-relay.ts'
import { mountDirectory } from './directory/mount-directory.ts'
import { mountProvider } from './provide/mount-provider.ts'

/** A relay with everything that lives on it: the directory, and the seed provider where the configuration wants one. */
export function composeRelay(
  components: RelayComponents,
  init: { config: RelayConfig; version: string; recordMs?: number },
): Relay {
  const mount: RelayMount = async (relay) => {
    const directory = await mountDirectory(relay)
    const provider =
      init.config.seedProvider === 'on' ? await provide(relay, components, init.config, directory) : undefined
    return {
      stop: async () => {
        await provider?.stop()
        await directory.stop()
      },
    }
  }
  return createRelay(components, { ...init, mounts: [mount] })
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
