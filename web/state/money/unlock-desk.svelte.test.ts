import { expect, it } from 'vitest'
import { newPassphrase, secretOf } from '../../wallet/key-locks.ts'
import { UnlockDesk } from './unlock-desk.svelte.ts'

const { lock } = newPassphrase('correct horse battery', 1)
const question = { address: '0x00000000000000000000000000000000000000A1', lock, isAgain: false } as const

/** Until what is settled by now has been told. */
const settled = () => new Promise((resolve) => setTimeout(resolve))

it('asks one question after another, and gives each its own answer', async () => {
  const desk = new UnlockDesk()
  const first = desk.ask(question)
  const second = desk.ask({ ...question, isAgain: true })
  await settled()
  expect(desk.question).toMatchObject({ isAgain: false })
  desk.question?.decline()
  await expect(first).rejects.toMatchObject({ code: 'wallet.locked' })
  await settled()
  expect(desk.question).toMatchObject({ isAgain: true })
  desk.question?.answer(secretOf('yes'))
  expect(await second).toEqual(secretOf('yes'))
  expect(desk.question).toBeUndefined()
})

it('ends a question when what it was for is given up, before or after it is shown', async () => {
  const desk = new UnlockDesk()
  const end = new AbortController()
  const asked = desk.ask({ ...question, signal: end.signal })
  const waiting = desk.ask({ ...question, signal: end.signal })
  await settled()
  end.abort()
  await expect(asked).rejects.toMatchObject({ code: 'wallet.locked' })
  await expect(waiting).rejects.toMatchObject({ code: 'wallet.locked' })
  expect(desk.question).toBeUndefined()
})
