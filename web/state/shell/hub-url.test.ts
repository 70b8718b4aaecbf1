import { expect, it } from 'vitest'
import { HUGGING_FACE } from '#shared/models/origin/place-of.ts'
import { createHubUrl } from './hub-url.ts'

const place = (): string => 'https://relay.example/network.json'
const answering = (...answers: readonly unknown[]) => {
  let asked = 0
  const ask = (): Promise<Response> => {
    const answer = answers[Math.min(asked++, answers.length - 1)]
    if (answer instanceof Error) return Promise.reject(answer)
    return Promise.resolve(Response.json(answer))
  }
  return { ask, asked: () => asked }
}

it('is what the relay’s operator chose, asked for once', async () => {
  const { ask, asked } = answering({ hub: 'https://mirror.example/hf' })
  const hubUrl = createHubUrl(ask, place)
  expect([await hubUrl(), await hubUrl()]).toEqual(Array(2).fill('https://mirror.example/hf'))
  expect(asked()).toBe(1)
})

it('is Hugging Face where none was chosen, and where what was chosen is no web address', async () => {
  for (const answer of [{}, { hub: 'javascript:alert(1)' }, { hub: 'https://a.example?x' }])
    expect(await createHubUrl(answering(answer).ask, place)()).toBe(HUGGING_FACE)
})

it('is asked for again after nobody answered', async () => {
  const hubUrl = createHubUrl(
    answering(new TypeError('offline'), { hub: 'https://mirror.example' }).ask,
    place,
  )
  expect(await hubUrl()).toBe(HUGGING_FACE)
  expect(await hubUrl()).toBe('https://mirror.example')
})

it('is not guessed where a token was entered for it', async () => {
  const hubUrl = createHubUrl(
    answering(new TypeError('offline'), { hub: 'https://mirror.example' }).ask,
    place,
  )
  await expect(hubUrl({ isSure: true })).rejects.toMatchObject({ code: 'schedule.no-relay' })
  expect(await hubUrl({ isSure: true })).toBe('https://mirror.example')
})
