import { expect, it } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { millis } from '#shared/base/units.ts'
import { Ask } from '../../state/ask/ask.svelte.ts'
import { Network } from '../../state/shell/network.svelte.ts'
import { PaymentDesk } from '../../state/money/payment-desk.svelte.ts'
import { Session } from '../../state/session/session.svelte.ts'
import { Settings } from '../../state/session/settings.svelte.ts'
import { Wallet } from '../../state/money/wallet.svelte.ts'
import { noClaims } from '../../state/testing/memory-money.ts'
import { memoryServices, type Scene } from '../../state/testing/memory-services.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { named, relayView, seenOffer, SMOL, TINY } from '../../state/testing/samples.ts'
import { startWords } from '../ask/words.ts'
import { headWords, meshLabel, meshNodes, offerRows } from './words.ts'

async function look(scene: (clock: FakeClock) => Partial<Scene>) {
  const clock = new FakeClock()
  const { services } = memoryServices(clock, scene(clock))
  const settings = new Settings(services.settings)
  const session = new Session(services, settings)
  const desk = new PaymentDesk(services, new Wallet(services), noClaims)
  const network = new Network(session, new Ask(services, session, settings, desk))
  session.start()
  await clock.advance(10)
  return { session, network, nodes: meshNodes(session, network) }
}

const relay = relayView('reLay1', '127.0.0.1')

it('draws a relay that lends as one machine with two roles', async () => {
  const { nodes } = await look((clock) => ({
    relays: [relay],
    offers: [seenOffer(clock, 'reLay1', { kind: 'node' }), seenOffer(clock, 'tab111')],
  }))
  expect(nodes).toMatchObject([
    {
      id: named('reLay1'),
      kind: 'both',
      state: 'ok',
      link: 'direct',
      via: undefined,
      label: '127.0.0.1, lends',
    },
    { id: named('tab111'), kind: 'peer', via: named('reLay1') },
  ])
  expect(meshLabel(nodes)).toBe('1 relay and 2 providers around this tab, 1 of them in both roles')
})

it('still shows what lends when the relay itself is down', async () => {
  const { nodes } = await look((clock) => ({
    relays: [relayView('reLay1', 'a.example', { state: 'down', rttMs: undefined })],
    offers: [seenOffer(clock, 'reLay1')],
  }))
  expect(nodes).toMatchObject([{ kind: 'both', state: 'ok', link: undefined }])
})

it('draws each machine once: under two addresses, with several models, an offer of which has run out', async () => {
  const { network, nodes } = await look((clock) => ({
    relays: [
      relayView('reLay1', 'old.example', { state: 'down', rttMs: undefined }),
      relayView('reLay1', 'new.example', { rttMs: millis(7) }),
      relayView('reLay2', 'other.example'),
    ],
    offers: [
      seenOffer(clock, 'tab111', { model: TINY }),
      seenOffer(clock, 'tab111', { model: SMOL }, 70_000),
      seenOffer(clock, 'reLay2', { model: TINY }),
      seenOffer(clock, 'reLay2', { model: SMOL }),
    ],
  }))
  expect(nodes.map(({ kind, label, ms }) => [kind, label.slice(0, 11), ms])).toEqual([
    ['relay', 'new.example', 7],
    ['both', 'other.examp', 12],
    ['peer', expect.anything(), undefined],
  ])
  for (const keys of [nodes.map(({ id }) => id), offerRows(network).map(({ key }) => key)])
    expect(keys).toEqual([...new Set(keys)])
  expect(meshLabel(nodes)).toBe('2 relays and 2 providers around this tab, 1 of them in both roles')
})

it.each([
  ['schedule.offer-expired', 'out of date by the relay’s clock'],
  ['wire.malformed', 'this page can’t read the offers'],
  ['wire.bad-signature', 'this page can’t read the offers'],
] as const)('never says that nobody lends of offers that it cannot use for %s', async (code, words) => {
  const { session } = await look(() => ({
    relays: [relay],
    unread: new Map([[named('tab111'), new InfernetError(code)]]),
  }))
  expect(headWords(session).title).toBe('No offer that this page can use.')
  expect(headWords(session).say).toContain('1 provider is listed')
  expect(headWords(session).say).toContain(words)
  expect(startWords(session, 'Infernet Tiny', 0).text).toBe(headWords(session).say)
})
