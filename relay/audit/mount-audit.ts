import { randomBytes } from 'node:crypto'
import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import { hasCode, InfernetError } from '#shared/errors/infernet-error.ts'
import { askProbe } from '#shared/client/ask-probe.ts'
import type { CheckBy, CheckReport } from '#shared/peer/check-events.ts'
import type { Peer } from '#shared/peer/peer.ts'
import type { RecordRegisters } from '#shared/peer/record-registers.ts'
import { paymentOf } from '#shared/schedule/offer.ts'
import type { Transcript } from '#shared/stream/transcript.ts'
import {
  Auditor,
  type AuditEvent,
  type AuditPorts,
  type ProbeAnswer,
  type ProbeReport,
} from '#shared/verify/audit/auditor.ts'
import type { AuditTarget } from '#shared/verify/audit/probe-schedule.ts'
import { signVerdict } from '#shared/verify/verdict.ts'
import { badOption } from '../base/start-error.ts'
import type { LocateModelFile } from '../config/models-folder.ts'
import type { LocalDirectory } from '../directory/local-directory.ts'
import type { RelayHost } from '../mount/relay-host.ts'
import type { Logger } from '../observe/log.ts'
import { readAuditedModels, type AuditedModel } from './audited-models.ts'
import { createFreshAsker, type FreshAsker } from './fresh-asker.ts'
import { OwnEngine } from './own-engine.ts'
import type { Purse, Purses } from './purse/purses.ts'

export interface MountAuditComponents {
  readonly clock: Clock
  readonly log: Logger
  /** The relay's own: signs its verdicts. */
  readonly key: PrivateKey
  readonly directory: LocalDirectory
  /** Its own first. */
  readonly records: RecordRegisters
  /** What pays who asks a price. @default nothing, and only those are probed who work for nothing */
  readonly purses?: Purses | undefined
  /** What reads answers here. @default one that starts a model when it is needed */
  readonly engine?: Pick<OwnEngine, 'of' | 'stop'> | undefined
}

export interface MountAuditInit {
  readonly locate: LocateModelFile
  readonly probesPerHour: number
  /** What real people asked, which nobody else knows; see `AuditorInit`. @default nothing */
  readonly prompts?: readonly string[] | undefined
}

/** An answer with the name that asked for it: the provider opens what it signed to nobody else. */
interface Answer extends ProbeAnswer {
  readonly model: AuditedModel
  readonly asker: FreshAsker
  readonly purse: Purse | undefined
}

/**
 * Makes the relay an auditor: it probes who offers a model that lies on its disk, by a name made for that probe, checks
 * the answer by an engine of its own, or by a peer where that engine cannot be started, and publishes the verdict here
 * and at the relays that it is connected to.
 *
 * @throws StartError where nothing on this disk can be audited
 */
export async function mountAudit(
  relay: RelayHost,
  components: MountAuditComponents,
  { locate, probesPerHour, prompts }: MountAuditInit,
): Promise<{ stop(): Promise<void> }> {
  const { clock, log, purses } = components
  const models = await readAuditedModels(relay.catalogue, locate).catch((thrown: unknown) => {
    log.debug({ err: thrown }, 'no model could be read')
    return new Map<ModelHash, AuditedModel>()
  })
  if (models.size === 0)
    throw badOption(
      '--audit',
      'no model that writes lies on this disk.',
      'Put one into the folder of --models-folder, or leave the option out.',
    )
  const engine = components.engine ?? new OwnEngine(clock)
  const auditor = new Auditor(
    {
      clock,
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      ports: portsOf(relay, components, models, engine),
      onEvent: (event) => report(event, relay, log),
    },
    { probesPerHour, prompts },
  )
  purses?.start()
  auditor.start()
  log.info({ models: models.size, probesPerHour }, 'providers are audited')
  if (!purses) log.info('only providers that work for nothing are probed: nothing is here to pay others with')
  return {
    stop: async () => {
      await auditor.stop()
      await purses?.stop()
      await engine.stop()
    },
  }
}

function portsOf(
  relay: RelayHost,
  { clock, key, directory, records, purses }: MountAuditComponents,
  models: ReadonlyMap<ModelHash, AuditedModel>,
  engine: Pick<OwnEngine, 'of'>,
): AuditPorts<Answer> {
  const modelOf = (hash: ModelHash): AuditedModel => {
    const model = models.get(hash)
    if (!model) throw new InfernetError('models.unknown')
    return model
  }
  return {
    targets: async () =>
      directory.offers
        .filter(({ model, provider }) => models.has(model) && provider !== relay.name)
        .filter((offer) => {
          const payment = paymentOf(offer)
          return !payment || purses?.canPay(offer.provider, payment)
        })
        .map(({ provider, model }) => ({ provider, model, examples: models.get(model)?.choice.examples })),
    ask: async (prompt, target, { signal }) => {
      const model = modelOf(target.model)
      const tokenizer = await model.tokenizer()
      const asksPrice = directory.offers.some(
        (offer) => offer.provider === target.provider && offer.model === target.model && paymentOf(offer),
      )
      const purse = asksPrice ? await purses?.take(target.provider) : undefined
      const asker = await askerOf(relay, { clock, directory, target, signal })
      try {
        const peer = asker.asker
        const probe = { ...model, peer, tokenizer, purse }
        const transcript = await askProbe(probe, prompt, target.provider, { signal })
        return { transcript, model, asker, purse, release: () => asker.stop() }
      } catch (thrown) {
        await asker.stop()
        throw thrown
      }
    },
    check: (answer, { signal }) => checkAnswer(relay, { answer, engine, key, signal }),
    publish: async (verdict, { signal }) => {
      // All may be waited for: only the audit goes on after it, and each that takes the verdict is counted.
      const told = await Promise.allSettled(
        records.registers.map(({ port }) => port.publishVerdict(verdict, { signal })),
      )
      const [first] = told
      if (first?.status === 'rejected') throw first.reason
      return told.filter(({ status }) => status === 'fulfilled').length
    },
  }
}

interface Asking {
  readonly clock: Clock
  readonly directory: LocalDirectory
  readonly target: AuditTarget
  readonly signal: AbortSignal
}

/**
 * A provider that has a place at a relay is asked through it, and sees no more than of a page that hides its address. One
 * that listens at a socket of its own can only be asked directly.
 */
async function askerOf(relay: RelayHost, { clock, directory, target, signal }: Asking): Promise<FreshAsker> {
  const hides = directory.offers.some(
    ({ provider, addresses }) =>
      provider === target.provider &&
      addresses.some((address) => address.includes(`/p2p/${relay.name}/p2p-circuit`)),
  )
  return createFreshAsker(
    { clock, directory, limit: Infinity },
    { relays: relay.addresses, hides, target },
    { signal },
  )
}

interface Checking {
  readonly answer: Answer
  readonly engine: Pick<OwnEngine, 'of'>
  readonly key: PrivateKey
  readonly signal: AbortSignal
}

async function checkAnswer(
  relay: RelayHost,
  { answer, engine, key, signal }: Checking,
): Promise<ProbeReport> {
  const { transcript, model, asker, purse } = answer
  const own = await engine.of(model).catch((thrown: unknown) => {
    if (signal.aborted || !isEngineFailure(thrown)) throw thrown
    return undefined
  })
  if (own) {
    const { verdict } = await checked(asker.checker, transcript, { by: 'self', engine: own }, signal)
    // The name that asked is nobody's: the relay says in its own what its engine found.
    return { verifier: relay.name, verdict, signed: await signVerdict(verdict, key) }
  }
  const { dtype: profile } = model.manifest
  const money = purse?.job()
  const by: CheckBy = {
    ...{ by: 'peer', profile, except: [relay.name] },
    ...(money && { payer: money.payer, maxCost: money.maxCost }),
  }
  const report = await checked(asker.checker, transcript, by, signal)
  money?.used(report.spent)
  if (report.spent > 0n) await purse?.isKnown()
  return report
}

/** A model that does not fit here, or a device that is lost: somebody else may be able to. */
function isEngineFailure(thrown: unknown): boolean {
  return InfernetError.from(thrown).code.startsWith('engine.') || hasCode(thrown, 'models.unsupported')
}

async function checked(
  peer: Pick<Peer, 'check'>,
  transcript: Transcript,
  by: CheckBy,
  signal: AbortSignal,
): Promise<CheckReport> {
  for await (const event of peer.check(transcript, by, { signal }))
    if (event.type === 'done') return event.report
  throw new InfernetError('internal')
}

function report(event: AuditEvent, relay: RelayHost, log: Logger): void {
  switch (event.type) {
    case 'probed': {
      const { outcome, difference, findings } = event.report.verdict
      const { provider, model } = event.target
      relay.metrics.audits.inc({ result: outcome })
      const facts = { provider, model, outcome, difference, tokens: findings.tokens, relays: event.relays }
      log[outcome === 'differs' ? 'warn' : 'info'](facts, 'a provider was probed')
      break
    }
    case 'failed':
      relay.metrics.audits.inc({ result: 'failed' })
      log.info({ provider: event.target.provider, at: event.at, code: event.reason.code }, 'a probe failed')
      break
    case 'behind':
      log.warn({ providers: event.providers }, 'the audit budget does not reach every provider in a day')
      break
    case 'lost':
      log.debug({ err: event.reason }, 'nobody could be looked for')
  }
}
