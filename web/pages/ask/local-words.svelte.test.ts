import { expect, it } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { EMPTY_ANSWER, THIS_TAB, type AnswerRecord } from '../../state/ask/conversation.ts'
import { Ask } from '../../state/ask/ask.svelte.ts'
import { PaymentDesk } from '../../state/money/payment-desk.svelte.ts'
import { Wallet } from '../../state/money/wallet.svelte.ts'
import { Session } from '../../state/session/session.svelte.ts'
import { Settings } from '../../state/session/settings.svelte.ts'
import { noClaims } from '../../state/testing/memory-money.ts'
import { memoryServices } from '../../state/testing/memory-services.ts'
import { segment, TINY } from '../../state/testing/samples.ts'
import { seamSentence, seamView } from '../words.ts'
import { hereWords, isAllHere, openingWords, localFacts, placesFor, runHereStep } from './local-words.ts'
import { costWords, receiptFacts, stoppedWords } from './receipt.ts'

const mine: AnswerRecord = { ...EMPTY_ANSWER, stage: 'done', localFrom: 0, tokens: 89, ttftMs: 40 }

it('tells of an answer of this tab’s own what it cost and that it was sent to nobody', () => {
  expect(isAllHere(mine)).toBe(true)
  expect(costWords(mine, false)).toBe('free')
  expect(localFacts(mine, 'Tiny')).toEqual([
    { name: 'Model', value: 'Tiny' },
    { name: 'Written by', value: 'this tab' },
    { name: 'Length', value: '89 tokens' },
    { name: 'First token', value: '0.04 s' },
    { name: 'Owed', value: 'nothing' },
  ])
  expect(stoppedWords(mine)).toBe('Stopped here. It can go on in this tab, or by a provider.')
})

it('tells of an answer in two parts which one this tab wrote, beside what the other is owed', () => {
  const both: AnswerRecord = { ...mine, localFrom: 12, segments: [segment('aaaaaa')] }
  expect(isAllHere(both)).toBe(false)
  expect(receiptFacts(both, 'Tiny')).toContainEqual({
    name: 'This tab',
    value: 'wrote a part of it by itself, from token 12 on',
  })
  const seam = {
    ...{ position: 12, lost: '', next: THIS_TAB, gapMs: undefined, unowed: 0 },
    ...{ reasonCode: 'stream.cancelled', isResumed: true },
  }
  expect(seamView(seam).note).toBe('You had it continued here, by this tab.')
  expect(seamSentence(seam, false)).toMatch(/This tab went on\.$/)
})

it('says what loads and how much of it is here', () => {
  const at = { loadedBytes: 4_000_000, totalBytes: 11_200_000 }
  const phases = ['checking', 'downloading', 'starting', 'testing'] as const
  expect(
    ['opening' as const, ...phases.map((phase) => ({ phase, ...at }))].map((p) => openingWords(p, 'Tiny')),
  ).toEqual([
    'Starting Tiny in this tab',
    'Reading Tiny from this device: 4.0 MB of 11 MB',
    'Downloading Tiny: 4.0 MB of 11 MB',
    'Starting Tiny in this tab',
    'Testing Tiny on this device',
  ])
})

it('says beforehand what would be downloaded, and nothing where that is not known', async () => {
  const clock = new FakeClock()
  const { services, scene } = memoryServices(clock)
  const settings = new Settings(services.settings)
  const session = new Session(services, settings)
  const ask = new Ask(services, session, settings, new PaymentDesk(services, new Wallet(services), noClaims))
  session.start()
  await clock.advance(10)
  const words = (): readonly string[] => [
    runHereStep(ask, ask.model!, () => undefined).label,
    hereWords(ask).text,
    ...placesFor(ask).map(({ label }) => label),
  ]
  const plain = 'Nothing you ask leaves this device, and it costs nothing.'
  const first = 'this tab where it has the model'
  expect(words()).toEqual(['Run it in this tab', plain, 'the network', 'this tab', first])
  await ask.local.look(TINY)
  expect(words()).toEqual([
    'Run it in this tab, 11 MB to load',
    `${plain} Infernet Tiny is downloaded first: 11 MB.`,
    ...['the network', 'this tab, 11 MB to load', first],
  ])
  scene.modelsHere = [TINY]
  await ask.local.look(TINY)
  expect(words()).toEqual(['Run it in this tab', plain, 'the network', 'this tab, it has the model', first])
})
