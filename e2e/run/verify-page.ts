/**
 * `npm run verify-page -- URL [--commit NAME]`: whether a relay serves the page of a commit, byte for byte
 * `npm run verify-page [-- --commit NAME]`: whether a commit says the right hash of its page
 * `npm run verify-page -- --record`: writes the hash of this tree's page into web/page-hash.txt
 *
 * Builds the page of the commit (`HEAD` where none is named) in an empty folder. Ends with 0 where all is the same.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pageHash, type HashedFile } from '../../relay/serve/page-hash.ts'
import { buildPage } from '../fixtures/build-page.ts'
import { buildCommit } from '../verify-page/build-commit.ts'
import { comparePage } from '../verify-page/compare-page.ts'
import { pageFiles, RECORD } from '../verify-page/page-files.ts'
import { ROOT } from '../fixtures/root.ts'

process.exitCode = await main().catch((thrown: unknown) => {
  console.error(thrown instanceof Error ? thrown.message : String(thrown))
  return 1
})

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { commit: { type: 'string', default: 'HEAD' }, record: { type: 'boolean', default: false } },
  })
  if (values.record) return record()
  const [address] = positionals
  const url = address === undefined ? undefined : folderOf(address)
  await using built = await buildCommit(values.commit)
  const files = await pageFiles(built.page)
  const hash = pageHash(files)
  const short = built.commit.slice(0, 12)
  console.log(`The page of commit ${short} has ${files.length} files and the hash ${hash}.`)
  if (built.recorded !== hash) {
    console.log(`The commit says another one in ${RECORD}: ${built.recorded ?? 'none'}.`)
    if (!url) return 1
  }
  return url ? compare(url, files, short) : 0
}

async function compare(url: URL, files: readonly HashedFile[], commit: string): Promise<number> {
  const differences = await comparePage(url, files)
  for (const { path, why } of differences) console.log(`${path || url.pathname} ${why}`)
  if (differences.length > 0) {
    console.log(`${url} does not serve the page of commit ${commit}.`)
    return 1
  }
  console.log(`${url} serves the page of commit ${commit}, byte for byte.`)
  console.log('This holds for what came here and now: a relay can serve somebody else another page.')
  return 0
}

async function record(): Promise<number> {
  buildPage()
  const hash = pageHash(await pageFiles(join(ROOT, 'web/dist')))
  await writeFile(join(ROOT, RECORD), `${hash}\n`)
  console.log(`${RECORD} says ${hash}.`)
  return 0
}

/** The page's links are relative to its folder. */
function folderOf(address: string): URL {
  const url = new URL(address)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}
