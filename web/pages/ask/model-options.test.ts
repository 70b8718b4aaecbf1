import { describe, expect, it } from 'vitest'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { memoryServices } from '../../state/testing/memory-services.ts'
import { claimAlone, seenOffer, SMOL, TINY } from '../../state/testing/samples.ts'
import { searchOptions } from '../../ui/model-option.ts'
import { modelOptions } from './model-options.ts'

const clock = new FakeClock()
const { models } = memoryServices(clock).scene
const list = { choices: models, proposals: [], leftOut: [] }
const contract = { kind: 'contract', publisher: `0x${'ab'.repeat(20)}`, royaltyBps: 250 } as const

describe('what publishers claim', () => {
  it('comes after what others vouch for, though only it is lent, and the search keeps that', () => {
    const claimed = models.map((choice) => (choice.model === TINY ? claimAlone(choice) : choice))
    const session = {
      list,
      offersFor: (model?: string) => (model === TINY ? [seenOffer(clock, 'aaaaaa')] : []),
    }
    const options = modelOptions(session, { models: claimed, fits: undefined })
    expect(options.map(({ value }) => value)).toEqual([SMOL, TINY])
    const found = searchOptions(options, '', { onlyFitting: false })
    expect(found.map(({ value }) => value)).toEqual([SMOL, TINY])
  })

  it('stands beside what others say of the model, with the publisher and the share', () => {
    const published = models.map((choice) => {
      const { listed } = choice
      const otherNames = [{ name: 'lab/best', source: contract }]
      return { ...choice, listed: { ...listed, sources: [...listed.sources, contract], otherNames } }
    })
    const [option] = modelOptions({ list, offersFor: () => [] }, { models: published, fits: undefined })
    expect(option?.doubts).toEqual([
      `“lab/best” for the publisher ${contract.publisher}: the same files under another name.`,
      `Published on the chain by ${contract.publisher}, who asks 2.5 % of what it earns.`,
    ])
  })

  it('tells two of one name apart by their whole address', () => {
    const other = { ...contract, publisher: `0x${'ab'.repeat(19)}cd` }
    const twins = models.map((choice, i) => {
      const listed = { ...choice.listed, sources: [i === 0 ? contract : other], sharesName: true }
      return { ...choice, name: 'twin', listed }
    })
    const options = modelOptions({ list, offersFor: () => [] }, { models: twins, fits: undefined })
    expect(options.map(({ doubts }) => doubts)).toEqual(
      [contract, other].map(({ publisher }) => [
        `Another model has this name. This one is of the publisher ${publisher}.`,
      ]),
    )
  })
})

it('puts what only those who lend it name behind what lists name, and says of one name that two have who has it', () => {
  const stranger = models.map((choice) =>
    choice.model === TINY
      ? { ...choice, listed: { ...choice.listed, sources: [{ kind: 'lender' } as const], sharesName: true } }
      : choice,
  )
  const session = {
    list,
    offersFor: (model?: string) => (model === TINY ? [seenOffer(clock, 'aaaaaa')] : []),
  }
  const options = modelOptions(session, { models: stranger, fits: undefined })
  expect(options.map(({ value, live }) => [value, live])).toEqual([
    [SMOL, 0],
    [TINY, 1],
  ])
  expect(options[1]?.doubts).toEqual(['Another model has this name. This one is of whoever lends it.'])
  expect(searchOptions(options, 'tiny', { onlyFitting: false })).toHaveLength(1)
})
