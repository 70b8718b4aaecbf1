import { expect, it } from 'vitest'
import { errorLine } from './error-line.ts'
import { InfernetError } from './infernet-error.ts'

it('says an error of ours with its fix, any other as it is', () => {
  expect(errorLine(new InfernetError('chain.bad-request', { field: 'batch' }))).toBe(
    'Invalid chain request (batch). Ask for less at once, or use an endpoint of your own.',
  )
  expect(errorLine(new Error('no such file'))).toBe('no such file')
  expect(errorLine('odd')).toBe('odd')
})
