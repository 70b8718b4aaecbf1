import { expect, it } from 'vitest'
import { hashManifest } from '#shared/models/manifest.ts'
import { makeManifest, makeModelFile } from '#shared/testing/model-file.ts'
import { VisitorsRules } from './share-rules.ts'

const manifest = makeManifest(makeModelFile(10).file)
const model = hashManifest(manifest)

function opened(kept: Readonly<Record<string, string>> = {}, licensed = true) {
  const settings = new Map(Object.entries(kept))
  return new VisitorsRules({
    settings: { get: (name) => settings.get(name), set: (name, value) => void settings.set(name, value) },
    mayPassOn: () => licensed,
  })
}

it('asks peers unless the visitor wants origins only or hides the address', () => {
  expect(opened().mayAsk()).toBe(true)
  expect(opened({ 'models.origins-only': 'yes' }).mayAsk()).toBe(false)
  expect(opened({ 'ask.hide-address': 'yes' }).mayAsk()).toBe(false)
})

it('passes on each model that the visitor left on, and none whose licence forbids it', () => {
  const rules = opened()
  expect(rules.mayPassOn(manifest)).toBe(true)
  rules.share(model, false)
  expect([rules.mayPassOn(manifest), rules.isShared(model)]).toEqual([false, false])
  rules.share(model, true)
  expect(rules.mayPassOn(manifest)).toBe(true)
  expect(opened({ 'models.not-shared': `x ${model}` }).mayPassOn(manifest)).toBe(false)
  expect(opened({}, false).mayPassOn(manifest)).toBe(false)
})
