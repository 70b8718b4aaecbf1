import { expect, it } from 'vitest'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { FakeClock } from '#shared/testing/fake-clock.ts'
import { memoryServices } from '../testing/memory-services.ts'
import { licensed, SMOL, TINY } from '../testing/samples.ts'
import { Consent } from './consent.svelte.ts'
import { Licences } from './licences.ts'

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

/** A page whose second model has a licence of its own; `started` are the models that were loaded. */
function opened(id = 'gemma', isGated = false) {
  const { services, scene } = memoryServices(new FakeClock(), { load: [] })
  const models = scene.models.map((choice) =>
    choice.model === SMOL ? licensed(choice, id, isGated) : choice,
  )
  const started: string[] = []
  const open = () => {
    const consent = new Consent(new Licences(services.settings))
    const start = consent.before(
      async (...engine) => {
        started.push(engine[0])
        return services.startEngine(...engine)
      },
      (model) => models.find((choice) => choice.model === model),
    )
    const load = (model = SMOL, isLent = false, signal = new AbortController().signal) =>
      start(model, { backend: 'auto', isLent, onProgress: () => undefined }, { signal }).then(
        () => 'started',
        (thrown: unknown) => (thrown instanceof InfernetError ? thrown.code : (thrown as Error).name),
      )
    return { consent, load }
  }
  return { ...open(), open, started, choice: models.find(({ model }) => model === SMOL)! }
}

it('asks for nothing where the licence is free', async () => {
  const { consent, load, started } = opened()
  expect([await load(TINY), consent.asked, started]).toEqual(['started', undefined, [TINY]])
})

it.each([
  ['gemma', false],
  ['unknown', false],
  ['apache-2.0', true],
])(
  'loads nothing of a model under %s, gated %s, before the licence is accepted; once is enough, also for the next visit',
  async (id, isGated) => {
    const { consent, load, open, started, choice } = opened(id, isGated)
    const loading = load(SMOL, true)
    await settled()
    expect([consent.asked, consent.isGiven(choice), started]).toEqual([
      { choice, purpose: 'lend', decided: expect.anything() as unknown },
      false,
      [],
    ])
    consent.accept()
    expect([await loading, started, consent.asked]).toEqual(['started', [SMOL], undefined])
    expect(await load()).toBe('started')
    const again = open()
    expect([again.consent.isGiven(choice), await again.load(), again.consent.asked]).toEqual([
      true,
      'started',
      undefined,
    ])
  },
)

it('loads nothing when it is declined, says so, and asks again the next time', async () => {
  const { consent, load, started } = opened()
  const loading = load()
  await settled()
  expect(consent.asked?.purpose).toBe('run')
  consent.decline()
  expect([await loading, started, consent.asked]).toEqual(['origin.unaccepted', [], undefined])
  void load()
  await settled()
  expect(consent.asked).toBeDefined()
})

it('asks once for a model that is wanted twice at once, and takes the question back when nobody waits for it', async () => {
  const { consent, load, started } = opened()
  const life = new AbortController()
  const [lent, run] = [load(SMOL, true, life.signal), load()]
  await settled()
  life.abort()
  expect(await lent).toBe('AbortError')
  expect(consent.asked?.purpose).toBe('run')
  const third = load()
  await settled()
  consent.accept()
  expect([await run, await third, started]).toEqual(['started', 'started', [SMOL, SMOL]])
  expect(consent.asked).toBeUndefined()
})

it('a load whose wait is over already asks nothing', async () => {
  const { consent, load } = opened()
  expect(await load(SMOL, false, AbortSignal.abort())).toBe('AbortError')
  expect(consent.asked).toBeUndefined()
})

it('loads nothing of which no licence is known', async () => {
  const { load, started } = opened()
  expect([await load('e5'.repeat(32) as typeof SMOL), started]).toEqual(['models.unknown', []])
})

it('hears of what another tab accepted', () => {
  const { open, choice } = opened()
  const [here, there] = [open(), open()]
  void there.load()
  there.consent.accept()
  expect(here.consent.isGiven(choice)).toBe(true)
})
