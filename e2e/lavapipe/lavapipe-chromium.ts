import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findChromium } from '../fixtures/find-chromium.ts'
import { mayInstallDebian } from '../fixtures/install-debian.ts'

const SETUP = fileURLToPath(new URL('./setup.sh', import.meta.url))
const TARGET = fileURLToPath(new URL('../../node_modules/.cache/chromium-lavapipe', import.meta.url))

/** A Chromium whose software GPU is lavapipe, or why there can be none here. */
export type LavapipeChromium =
  | { readonly executablePath: string; readonly reason?: undefined }
  | { readonly executablePath?: undefined; readonly reason: string }

/** Whether `setup.sh` may install what it lacks: where it may, a machine without lavapipe is one that is broken. */
export const mayInstallLavapipe = mayInstallDebian

/**
 * Makes the copy of Chromium that `setup.sh` describes, once; installs Mesa's driver and a compiler where we are root.
 *
 * Its adapter calls itself `google swiftshader`, because Chromium takes no other in that place.
 */
export function lavapipeChromium(): LavapipeChromium {
  const own = dirname(findChromium())
  const source = existsSync(join(own, 'libvk_swiftshader.so')) ? [own] : []
  const { status, stdout, stderr, error } = spawnSync('bash', [SETUP, TARGET, ...source], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 2], // the last: what it waits for, said while it waits
  })
  const executablePath = stdout?.trim().split('\n').at(-1) ?? ''
  if (status === 0 && existsSync(executablePath)) return { executablePath }
  const reason = error?.message ?? stderr.trim().split('\n').at(-1)
  return { reason: reason || `setup.sh ended with ${status}` }
}
