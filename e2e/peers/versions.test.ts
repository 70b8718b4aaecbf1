import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, expect, test } from 'vitest'
import { isOutdated } from '#shared/mesh/is-outdated.ts'
import { JoinedRelays } from '#shared/mesh/joined-relays.ts'
import { startLocalNode } from '#shared/testing/local-node.ts'
import { realClock } from '#shared/testing/real-clock.ts'
import { mountDirectory } from '../../relay/directory/mount-directory.ts'
import type { RelayMount } from '../../relay/mount/relay-host.ts'
import { startRelay, until } from '../../relay/testing/fixtures.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** A relay whose directory speaks another version than ours, and nothing else. */
const speaking =
  (version: number): RelayMount =>
  async ({ node }) => {
    await node.handle(`/infernet/schedule/${version}`, (stream) => void stream.close())
    return { stop: async () => undefined }
  }

async function join(addresses: readonly string[]): Promise<JoinedRelays> {
  const node = await startLocalNode()
  const joined = new JoinedRelays({ node, clock: realClock }, addresses)
  stops.push(async () => {
    joined.stop()
    await node.stop()
  })
  return joined
}

const statesOf = (joined: JoinedRelays): string => joined.views.map(({ state }) => state).join()

test('a relay of a newer version is told from one that is down, and nobody waits for it', async () => {
  const relay = await startRelay({}, { mounts: [speaking(99)] })
  stops.push(() => relay.stop())
  const joined = await join(relay.addresses)
  await until('its version is known', () => statesOf(joined) === 'newer')
  expect(joined.directories).toEqual([])
  expect(isOutdated(joined.views)).toBe(true)
  const startedAt = performance.now()
  await expect(joined.provide()).rejects.toMatchObject({ code: 'mesh.outdated' })
  expect(performance.now() - startedAt).toBeLessThan(2000)
})

test('one of an older version leaves the others usable', async () => {
  const [old, current] = [
    await startRelay({}, { mounts: [speaking(1)] }),
    await startRelay({}, { mounts: [mountDirectory] }),
  ]
  stops.push(
    () => old.stop(),
    () => current.stop(),
  )
  const joined = await join([...old.addresses.slice(0, 1), ...current.addresses.slice(0, 1)])
  await until('both are known', () => statesOf(joined) === 'older,up')
  expect(isOutdated(joined.views)).toBe(false)
  expect(joined.directories).toHaveLength(1)
})

test('a relay that comes back with our version is used again', async () => {
  const privateKey = await generateKeyPair('Ed25519')
  const newer = await startRelay({}, { mounts: [speaking(99)], privateKey })
  const port = Number(new URL(newer.httpUrl).port)
  const joined = await join(newer.addresses)
  await until('its version is known', () => statesOf(joined) === 'newer')
  await newer.stop()
  const back = await startRelay({ port }, { mounts: [mountDirectory], privateKey })
  stops.push(() => back.stop())
  await until('it is up', () => statesOf(joined) === 'up')
  expect((await joined.directories[0]?.query(undefined, 4))?.offers).toEqual([])
})
