import { readFile } from 'node:fs/promises'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import { parseNetworkFile, type NetworkFile } from '#shared/chain/network-file.ts'
import { damagedJson, unread } from '../base/file-words.ts'
import { badOption } from '../base/start-error.ts'

/**
 * Reads the file of `--network-file`.
 *
 * @throws StartError that names the file and the field.
 */
export async function loadNetworkFile(path: string): Promise<NetworkFile> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (thrown) {
    throw badOption('--network-file', ...unread(path, thrown, 'Name the file that the deploy script wrote.'))
  }
  try {
    const network = parseNetworkFile(JSON.parse(text))
    if (network.rpcUrls.length > 0) return network
  } catch (thrown) {
    const what = thrown instanceof InfernetError ? thrown.message : damagedJson(text, thrown)
    throw badOption('--network-file', `${path}: ${what}`, 'Write it again with the deploy script.')
  }
  throw badOption('--network-file', `${path} names no rpcUrls.`, 'Add an endpoint of the chain.')
}
