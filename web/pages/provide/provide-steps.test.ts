import { expect, it } from 'vitest'
import { provideSteps } from './provide-steps.ts'

/** What the press of that button does, by name. */
function pressed(code: string, label: string, hasFailed: boolean): string[] {
  const done: string[] = []
  const note = (name: string) => () => void done.push(name)
  const act = {
    again: note('lend'),
    processor: note('processor'),
    help: note('help'),
    reconnect: note('ask relays'),
  }
  const step = provideSteps(code, { ...act, hasFailed }).find((each) => each.label === label)
  if (step && 'run' in step) step.run?.()
  return done
}

it.each(['models.unavailable', 'schedule.no-relay', 'mesh.reservation-refused'])(
  'Try now after %s begins to lend again where it was asked for, and only there',
  (code) => {
    expect(pressed(code, 'Try now', true)).toEqual(['ask relays', 'lend'])
    expect(pressed(code, 'Try now', false)).toEqual(['ask relays'])
  },
)

it('shows the licence again to whoever did not take it', () => {
  expect(pressed('origin.unaccepted', 'Show the licence', true)).toEqual(['lend'])
})

it('leads to where a token is entered when the hub wants one', () => {
  const act = {
    again: () => undefined,
    processor: () => undefined,
    help: () => undefined,
    reconnect: () => undefined,
  }
  expect(provideSteps('origin.gated', { ...act, hasFailed: true })[0]).toEqual({
    label: 'Enter a token',
    href: '/models?add=1&token=1',
  })
})
