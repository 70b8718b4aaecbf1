import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { StartError } from './base/start-error.ts'
import { systemCode, systemReason } from './base/system-reason.ts'

const FILE = 'identity.key'
const OTHERS = 0o077
/** Said of each file that still holds the name, so that nobody throws it away for a fault of the disk. */
const KEEP = 'It is the name of this relay and was not changed: do not remove it.'

export interface LoadIdentityInit {
  /** Told of what is wrong but keeps nothing from working. */
  readonly onWarning?: (what: string) => void
}

/**
 * The relay's Ed25519 key from its data folder, made on the first start.
 *
 * Addresses that were shared carry the peer id, so a broken file is reported and never replaced: a new identity would
 * cut off everybody who knows the old one.
 *
 * @throws StartError that says what was tried, what came back and what is safe to do
 */
export async function loadIdentity(
  dataFolder: string,
  init: LoadIdentityInit = {},
): Promise<Ed25519PrivateKey> {
  const file = resolve(join(dataFolder, FILE))
  return (await readIdentity(file, init)) ?? (await createIdentity(dataFolder, file, init))
}

/** The key of the file, or undefined where there is none. */
async function readIdentity(file: string, init: LoadIdentityInit): Promise<Ed25519PrivateKey | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined
    throw new StartError(
      `Reading the identity file ${file} failed (${systemReason(cause)}).`,
      `${KEEP} Let this user read it, or name another folder with --data-folder, where the relay gets another name.`,
      { cause },
    )
  }
  const key = keyOf(file, bytes)
  await closeToOthers(file, init)
  return key
}

function keyOf(file: string, bytes: Uint8Array): Ed25519PrivateKey {
  try {
    const key = privateKeyFromProtobuf(bytes)
    if (key.type !== 'Ed25519') throw new TypeError(`a ${key.type} key`)
    return key
  } catch (cause) {
    const what = bytes.length === 0 ? 'is empty' : `holds ${bytes.length} bytes that are no Ed25519 key`
    throw new StartError(
      `The identity file ${file} ${what}.`,
      'Put back a copy of it. Without a copy the name in it is lost: move the file away, and the next start makes a new name; addresses that were shared then end.',
      { cause },
    )
  }
}

/** A copy from a backup may have lost its mode. A disk that cannot be written says nothing against the key. */
async function closeToOthers(file: string, { onWarning }: LoadIdentityInit): Promise<void> {
  try {
    if (((await stat(file)).mode & OTHERS) !== 0) await chmod(file, 0o600)
  } catch (thrown) {
    onWarning?.(
      `others may read ${file}, and closing it to them failed (${systemReason(thrown)}): chmod 600 it as its owner`,
    )
  }
}

async function createIdentity(
  dataFolder: string,
  file: string,
  init: LoadIdentityInit,
): Promise<Ed25519PrivateKey> {
  const key = await generateKeyPair('Ed25519')
  const draft = `${file}.${randomUUID()}`
  const failed = (cause: unknown): StartError =>
    new StartError(
      `Making the identity file ${file} failed (${systemReason(cause)}).`,
      'There was none before, so nothing is lost. Point --data-folder to a folder that this user may write.',
      { cause },
    )
  try {
    await mkdir(dataFolder, { recursive: true, mode: 0o700 })
    const handle = await open(draft, 'wx', 0o600)
    try {
      await handle.writeFile(privateKeyToProtobuf(key))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await publish(draft, file)
    return key
  } catch (cause) {
    const first = systemCode(cause) === 'EEXIST' ? await readIdentity(file, init) : undefined
    if (first) return first
    throw failed(cause)
  } finally {
    await rm(draft, { force: true }).catch(() => undefined)
  }
}

/** A link, unlike a rename, fails when another process was first; some container volumes only know renames. */
async function publish(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file)
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') throw cause
    await rename(draft, file)
  }
}
