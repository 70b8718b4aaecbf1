import { readFile, stat } from 'node:fs/promises'
import { privateKeyToAccount } from 'viem/accounts'
import type { KeyVault } from '#shared/chain/key-vault.ts'
import type { Logger } from '../observe/log.ts'
import { unread } from '../base/file-words.ts'
import { badOption } from '../base/start-error.ts'

/** Others than the owner may read it. */
const OTHERS_READ = 0o044

/**
 * The account of a file with a secp256k1 key: 64 hexadecimal digits, with or without 0x. The key is never logged.
 *
 * @param option the flag that named the file, for the message
 * @throws StartError that names the option and the fix.
 */
export async function loadKey(
  path: string,
  { option, log }: { option: string; log: Logger },
): Promise<KeyVault> {
  let text: string
  let mode: number
  try {
    text = await readFile(path, 'utf8')
    mode = (await stat(path)).mode
  } catch (thrown) {
    throw badOption(option, ...unread(path, thrown, `Make one: (umask 077; openssl rand -hex 32 > ${path}).`))
  }
  if (mode & OTHERS_READ && process.platform !== 'win32')
    log.warn({ option }, 'others may read the key file: chmod 600')
  const digits = /^(?:0x)?([0-9a-fA-F]{64})\s*$/.exec(text)?.[1]
  try {
    return privateKeyToAccount(`0x${digits}`)
  } catch {
    throw badOption(
      option,
      `${path} ${text.trim() === '' ? 'is empty' : 'holds no key'}.`,
      'It must be one line of 64 hexadecimal digits. Put back a copy: money of the key that was there is reached with it alone.',
    )
  }
}
