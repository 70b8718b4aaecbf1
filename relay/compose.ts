import { DemandMeter } from '#shared/schedule/demand/demand-meter.ts'
import { locateModelFiles } from './config/models-folder.ts'
import type { RelayConfig } from './config/options.ts'
import { mountAudit, type MountAuditComponents } from './audit/mount-audit.ts'
import { readOwnPrompts } from './audit/own-prompts.ts'
import { openPurses } from './audit/purse/open-purses.ts'
import { mountChain, type MountedChain } from './chain/mount-chain.ts'
import { createRelay, type Relay, type RelayComponents } from './create-relay.ts'
import { mountDirectory } from './directory/mount-directory.ts'
import { recordRegistersOn } from './directory/record-registers.ts'
import { nodeClock } from './base/node-clock.ts'
import type { RelayHost, RelayMount } from './mount/relay-host.ts'
import { mountProvider, type MountProviderInit } from './provide/mount-provider.ts'
import { mountPublications } from './provide/mount-publications.ts'
import { mountSeeder } from './provide/mount-seeder.ts'

/** A relay with everything that lives on it: the directory, and where the configuration wants it a chain and the seed provider. */
export function composeRelay(
  components: RelayComponents,
  init: { config: RelayConfig; version: string; recordMs?: number },
): Relay {
  const { config } = init
  let attached: MountedChain | undefined
  const meter = new DemandMeter(components.clock ?? nodeClock)
  const chain: RelayMount = async (relay) => {
    const { clock = nodeClock, log, privateKey } = components
    const scoped = log.child({ scope: 'chain' })
    attached = await mountChain(relay, { clock, log: scoped, key: privateKey, demand: meter }, config)
    return attached
  }
  const directory: RelayMount = async (relay) => {
    const directory = await mountDirectory(relay, {
      mayIntroduce: (provider) => attached?.stake.mayIntroduce(provider) ?? true,
      stakeOf: (peer) => attached?.stake.stakeOf(peer),
      demand: { meter, key: components.privateKey },
    })
    const { clock = nodeClock, log, privateKey: key } = components
    const records = recordRegistersOn(relay, directory.records, clock)
    const provider =
      config.seedProvider === 'on'
        ? await provide(relay, components, config, {
            directory: directory.port,
            records,
            payee: attached?.till,
          })
        : undefined
    const seeder = await mountSeeder(relay, {
      privateKey: components.privateKey,
      log: components.log.child({ scope: 'seeder' }),
      seeds: directory.seeds,
      locate: locateModelFiles(config),
      megabytesPerSecond: config.seedRate,
    })
    const publications =
      attached &&
      (await mountPublications(relay, {
        clock: components.clock ?? nodeClock,
        log: components.log.child({ scope: 'publications' }),
        watch: attached.publications,
        seeds: directory.seeds,
        locate: locateModelFiles(config),
      }))
    const audit =
      config.audit === 'on'
        ? await audited(relay, { clock, key, log, directory: directory.port, records }, config, attached)
        : undefined
    return {
      stop: async () => {
        await audit?.stop()
        await publications?.stop()
        await seeder?.stop()
        await provider?.stop()
        await directory.stop()
      },
    }
  }
  const mounts = config.networkFile === '' ? [directory] : [chain, directory]
  return createRelay(components, { ...init, mounts })
}

async function audited(
  relay: RelayHost,
  components: MountAuditComponents,
  config: RelayConfig,
  attached: MountedChain | undefined,
): ReturnType<typeof mountAudit> {
  const { clock } = components
  const log = components.log.child({ scope: 'audit' })
  const { dataFolder, auditSpend: spend } = config
  const purses = attached?.audit && (await openPurses(attached.audit, { clock, log }, { dataFolder, spend }))
  const prompts = config.auditPrompts === '' ? undefined : await readOwnPrompts(config.auditPrompts)
  const init = { locate: locateModelFiles(config), probesPerHour: config.auditBudget, prompts }
  return mountAudit(relay, { ...components, log, purses }, init)
}

function provide(
  relay: RelayHost,
  { privateKey, log }: RelayComponents,
  config: RelayConfig,
  parts: Pick<MountProviderInit, 'directory' | 'records' | 'payee'>,
): ReturnType<typeof mountProvider> {
  return mountProvider(relay, {
    ...parts,
    privateKey,
    log: log.child({ scope: 'provider' }),
    locate: locateModelFiles(config),
    models: config.seedModel,
    backend: config.seedBackend,
  })
}
