import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { hashManifest } from '#shared/models/manifest.ts'
import { BUNDLED_MODELS } from '#shared/models/catalogue/bundled.ts'
import { readTinyModel } from '#shared/testing/tiny-model.ts'
import { locateIn } from '../config/models-folder.ts'
import { readAuditedModels } from './audited-models.ts'

const models = fileURLToPath(new URL('../../web/public/models/', import.meta.url))

describe('readAuditedModels', () => {
  it('finds what writes and lies on the disk, with its tokenizer', async () => {
    const { manifest, tokenizer } = await readTinyModel('fp32')
    const found = await readAuditedModels(BUNDLED_MODELS, locateIn([models]))
    const tiny = found.get(hashManifest(manifest))
    expect(tiny).toMatchObject({ manifest, choice: { contextLength: 512, answerTokens: 128 } })
    const chat = [{ role: 'user', content: 'Hello' }] as const
    expect((await tiny?.tokenizer())?.encodeChat(chat)).toEqual(tokenizer.encodeChat(chat))
    for (const { manifest: each } of found.values()) expect(each.task).toBe('text-generation')
  })

  it('says so where there is nothing', async () => {
    await expect(readAuditedModels(BUNDLED_MODELS, locateIn(['/nowhere']))).rejects.toMatchObject({
      code: expect.stringMatching(/^models\./) as string,
    })
  })
})
