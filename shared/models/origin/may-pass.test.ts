import { expect, it } from 'vitest'
import { InfernetError } from '../../errors/infernet-error.ts'
import { mayPass } from './may-pass.ts'

const unavailable = (status?: string | number): InfernetError =>
  new InfernetError('models.unavailable', { path: 'a', status })

it.each([400, 401, 403, 404, 405, 410, 416, 451, 501, 'no other site has stored it', 'not on this disk'])(
  'takes %s for an answer that stays',
  (status) => expect(mayPass(unavailable(status))).toBe(false),
)

it.each([408, 425, 429, 500, 502, 503, 504, 'no answer', 'cut off', 'the connection broke', undefined])(
  'takes %s for one that may pass',
  (status) => expect(mayPass(unavailable(status))).toBe(true),
)

it('knows what an origin says of itself, and what only happened on the way', () => {
  for (const code of [
    ...(['origin.not-found', 'origin.gated', 'origin.faulty', 'origin.changed'] as const),
    ...(['origin.not-as-listed', 'models.origin-differs', 'models.corrupt'] as const),
  ])
    expect([code, mayPass(new InfernetError(code))]).toEqual([code, false])
  for (const code of ['origin.busy', 'origin.silent', 'models.truncated', 'wire.timeout'] as const)
    expect([code, mayPass(new InfernetError(code))]).toEqual([code, true])
})
