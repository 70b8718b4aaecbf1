import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright'
import { launchBrowser } from '../fixtures/browser.ts'
import { findChromium } from '../fixtures/find-chromium.ts'
import type { Namespace } from './namespaces.ts'

/**
 * A browser that lives in a network of its own. Playwright starts a program by its path alone, so the namespace is in a
 * script, which is left in `folder`.
 */
export async function launchIn(
  { name }: Namespace,
  folder: string,
  flags: readonly string[] = [],
): Promise<Browser> {
  const script = join(folder, name)
  writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${name} '${findChromium()}' "$@"\n`)
  chmodSync(script, 0o755)
  return launchBrowser({ executablePath: script, hasGpu: false, flags })
}
