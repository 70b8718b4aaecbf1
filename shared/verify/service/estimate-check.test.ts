import { beforeAll, describe, expect, it } from 'vitest'
import { epochMillis, tokens } from '../../base/units.ts'
import type { Offer } from '../../schedule/offer.ts'
import { makeAnswer } from '../../testing/answers.ts'
import { createFakeEngine } from '../../testing/fake-engine.ts'
import { makePeer, someOffer, type TestPeer } from '../../testing/peers.ts'
import { pricePerToken } from '../../testing/prices.ts'
import { realClock } from '../../testing/real-clock.ts'
import type { Transcript } from '../../stream/transcript.ts'
import { estimateCheck } from './estimate-check.ts'

describe('estimateCheck', () => {
  let provider: TestPeer
  let other: TestPeer
  let transcript: Transcript
  beforeAll(async () => {
    ;[provider, other] = await Promise.all([makePeer(), makePeer()])
    const engine = createFakeEngine({ clock: realClock })
    ;({ transcript } = await makeAnswer(provider, { engine, consumer: other.name, priorTokens: [9, 9] }))
  })
  const offer = (changes: Partial<Offer> = {}): Offer => ({
    ...someOffer(epochMillis(1)),
    ...{ provider: other.name, price: pricePerToken(2n, 50n), ...changes },
  })

  it('is the price of reading all but the last token, at the cheapest and at the dearest', () => {
    const offers = [offer(), offer({ price: pricePerToken(5n, 0n) })]
    // Three of the prompt, two that another wrote, thirty-eight that this one did.
    expect(estimateCheck(transcript, offers)).toEqual({ least: 84n, most: 210n })
  })

  it('is none where nobody else holds the model, or holds so long a text', () => {
    expect(estimateCheck(transcript, [])).toBeUndefined()
    expect(estimateCheck(transcript, [offer({ provider: provider.name })])).toBeUndefined()
    expect(estimateCheck(transcript, [offer({ contextLength: tokens(42) })])).toBeUndefined()
    expect(estimateCheck(transcript, [offer({ contextLength: tokens(43) })])).toBeDefined()
  })

  it('needs the question', () => {
    const shown = { quote: transcript.shown.quote! }
    expect(() => estimateCheck({ ...transcript, shown }, [offer()])).toThrowError(
      expect.objectContaining({ code: 'verify.bad-request' }),
    )
  })
})
