/**
 * `npm run page -- URL [--port 7707] [--page-folder PATH]`: the page from this disk, joined to the network of that relay
 *
 * No relay then gives the code that holds the keys, and the keys are the same whichever relay is named: they belong to the
 * address of the page, which is this machine's. Builds the page where it is not built.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FileIndex } from '../../relay/serve/file-index.ts'
import { hashOfPage } from '../../relay/serve/page-hash.ts'
import { buildPage } from '../fixtures/build-page.ts'
import { serveOwnPage } from '../own-page/serve-own-page.ts'
import { ROOT } from '../fixtures/root.ts'

/** Any free one would do, if it were always the same. */
const PORT = '7707'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: 'string', default: PORT }, 'page-folder': { type: 'string' } },
})
const [relay] = positionals
const port = Number(values.port)
if (relay === undefined || !URL.canParse(relay) || !Number.isInteger(port) || port < 0 || port > 65535) {
  console.error('npm run page -- URL [--port 7707], the address of a relay’s page')
  process.exitCode = 1
} else {
  if (values['page-folder'] === undefined) buildPage()
  const folder = values['page-folder'] ?? join(ROOT, 'web/dist')
  const page = new FileIndex(folder, { skip: ['models'] })
  await page.scan()
  const base = new URL(relay.endsWith('/') ? relay : `${relay}/`)
  const { url } = await serveOwnPage({ folder, relay: base, port })
  console.log(`The page of this disk is at ${url}, in the network of ${base.href}.`)
  console.log(`Its hash is ${(await hashOfPage(page)) ?? 'none: it is not built'}. Ctrl-C ends it.`)
}
