import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { StartError } from './base/start-error.ts'

const FILE = 'identity.key'

/**
 * The relay's Ed25519 key from its data folder, made on the first start.
 *
 * Addresses that were shared carry the peer id, so a broken file is reported and never replaced: a new identity would
 * cut off everybody who knows the old one.
 */
export async function loadIdentity(dataFolder: string): Promise<Ed25519PrivateKey> {
  const file = join(dataFolder, FILE)
  return (await readIdentity(file)) ?? (await createIdentity(dataFolder, file))
}

async function readIdentity(file: string): Promise<Ed25519PrivateKey | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (cause) {
    if (isCode(cause, 'ENOENT')) return undefined
    throw unusableFolder(file, cause)
  }
  try {
    const key = privateKeyFromProtobuf(bytes)
    if (key.type !== 'Ed25519') throw new TypeError(`a ${key.type} key`)
    await chmod(file, 0o600) // a copy from a backup may have lost its mode
    return key
  } catch (cause) {
    throw new StartError(
      `The identity file ${file} is damaged.`,
      'Put back a copy of it, or remove it to start with a new identity (shared addresses then change).',
      { cause },
    )
  }
}

async function createIdentity(dataFolder: string, file: string): Promise<Ed25519PrivateKey> {
  const key = await generateKeyPair('Ed25519')
  const draft = `${file}.${randomUUID()}`
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
    if (isCode(cause, 'EEXIST'))
      return (await readIdentity(file)) ?? Promise.reject(unusableFolder(file, cause))
    throw unusableFolder(file, cause)
  } finally {
    await rm(draft, { force: true }).catch(() => undefined)
  }
}

/** A link, unlike a rename, fails when another process was first; some container volumes only know renames. */
async function publish(draft: string, file: string): Promise<void> {
  try {
    await link(draft, file)
  } catch (cause) {
    if (isCode(cause, 'EEXIST')) throw cause
    await rename(draft, file)
  }
}

function unusableFolder(file: string, cause: unknown): StartError {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown reason'
  return new StartError(
    `The identity file ${file} cannot be read or written (${reason}).`,
    'Point --data-folder to a folder that this user may write.',
    { cause },
  )
}

function isCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code
}
