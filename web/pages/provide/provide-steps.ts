import { ENTER_TOKEN } from '../hub-steps.ts'
import type { Step } from '../../ui/steps.ts'

/** The way out of each failure of providing. */
export function provideSteps(
  code: string,
  act: {
    readonly again: () => void
    readonly processor: () => void
    readonly help: () => void
    readonly reconnect: () => void
    /** True when lending was asked for and failed: nothing begins it again but a press. */
    readonly hasFailed: boolean
  },
): readonly Step[] {
  const again: Step = { label: 'Try again', run: act.again }
  const processor: Step = { label: 'Lend your processor instead', run: act.processor }
  switch (code) {
    case 'engine.no-webgpu':
    case 'engine.software-adapter':
      return [processor]
    case 'engine.no-adapter':
    case 'engine.device-lost':
    case 'engine.bad-logits':
      return [again, processor]
    case 'engine.self-test-failed':
      return [{ label: 'Test again', run: act.again }, processor]
    case 'engine.out-of-memory':
    case 'engine.limits':
    case 'models.no-space':
    case 'models.over-limit':
      return [
        { label: 'Choose a smaller model', run: () => document.getElementById('provide-model')?.focus() },
        again,
      ]
    case 'origin.gated':
      return [ENTER_TOKEN, again]
    case 'origin.unaccepted':
      return [
        { label: 'Show the licence', run: act.again },
        { label: 'Choose another model', run: () => document.getElementById('provide-model')?.focus() },
      ]
    case 'mesh.insecure-page':
      return [{ label: 'Show how', run: act.help }]
    case 'models.unavailable':
    case 'models.nobody-left':
    case 'origin.faulty':
    case 'origin.silent':
    case 'schedule.no-relay':
    case 'mesh.reservation-refused':
      return [
        {
          label: 'Try now',
          run: () => {
            act.reconnect()
            if (act.hasFailed) act.again()
          },
        },
        { label: 'See the relays', href: '/network' },
      ]
    default:
      return [again]
  }
}
