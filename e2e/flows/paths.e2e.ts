import type { BrowserContext, Page } from 'playwright'
import { describe, expect, it } from 'vitest'
import { openCrippledConsumer, withoutCandidates, withoutWebRtc } from '../fixtures/crippled-webrtc.ts'
import { fetchThrough } from '../fixtures/fetch-through.ts'
import { openConsumer, openProvider } from '../fixtures/network.ts'
import { startNetwork } from '../fixtures/lending-network.ts'
import { startTurnServer } from '../fixtures/turn-server.ts'

/** Notes each WebRTC configuration that the page asks the browser for. */
function noteConfigurations(): void {
  const noted: (RTCConfiguration | undefined)[] = []
  Object.assign(globalThis, { e2eConfigurations: noted })
  const Original = globalThis.RTCPeerConnection
  globalThis.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      noted.push(structuredClone(configuration))
      super(configuration)
    }
  }
}

/** The configurations so far; a tab that provides also joins two ends of its own, without one. */
async function configurationsOf({ page }: { page: Page }): Promise<RTCConfiguration[]> {
  const noted = await page.evaluate(() => (globalThis as unknown as Noted).e2eConfigurations)
  return noted.filter((configuration) => configuration != null)
}
interface Noted {
  readonly e2eConfigurations: (RTCConfiguration | null)[]
}

const HIDING = { settings: { 'infernet.ask.hide-address': 'yes' } }

describe('the way an answer takes', () => {
  it('goes over the relay where no direct path comes up or none may show the address, and says so', async () => {
    await using turn = await startTurnServer()
    const iceServers = [{ urls: ['stun:127.0.0.1:9'] }, turn.iceServer]
    await using network = await startNetwork({ args: ['--ice-servers', JSON.stringify(iceServers)] })
    const { browser, relay } = network
    const prepare = (profile: BrowserContext): Promise<unknown> => profile.addInitScript(noteConfigurations)
    const provider = await openProvider(browser, relay.url, { prepare })
    const consumer = await openCrippledConsumer(network, withoutWebRtc)
    await consumer.ask('Tell me a story about a fox and a lantern.')
    await consumer.waitForState('done')
    expect((await consumer.record()).segments).toMatchObject([{ path: 'relayed', kind: 'tab' }])
    expect(await consumer.page.getByTestId('slip').last().innerText()).toMatch(/relay/i)

    // A relay without a TURN server leaves a hidden asker nothing but the relayed connection: no WebRTC is even tried.
    const hidden = await openConsumer(browser, relay.url, {
      ...HIDING,
      prepare: async (profile) => {
        await prepare(profile)
        await profile.route('**/network.json', async (route) => {
          const response = await fetchThrough(route)
          if (!response) return
          const info = (await response.json()) as object
          await route.fulfill({ response, json: { ...info, iceServers: [] } })
        })
      },
    })
    await hidden.page.getByText('It names no TURN server').waitFor()
    await hidden.ask('What is a relay?')
    await hidden.waitForState('done')
    expect((await hidden.record()).segments).toMatchObject([{ path: 'relayed', kind: 'tab' }])
    expect(await hidden.page.getByTestId('slip').last().innerText()).toMatch(/relay/i)
    expect(await configurationsOf(hidden)).toEqual([])

    // With one, WebRTC goes through it and nowhere else.
    expect(turn.relayedBytes).toBe(0)
    const turned = await openConsumer(browser, relay.url, { ...HIDING, prepare })
    await turned.page.getByText('your relay and its TURN server do').waitFor()
    await turned.ask('What is a relay?')
    await turned.waitForState('done')
    expect((await turned.record()).segments).toMatchObject([{ path: 'turn', kind: 'tab' }])
    expect(turn.relayedBytes).toBeGreaterThan(1000)
    expect(await configurationsOf(turned)).toEqual([{ iceServers, iceTransportPolicy: 'relay' }])

    // The address is shown when the visitor says so, and the configuration of the relay still holds.
    await turned.page.getByTestId('hide-address').uncheck()
    await turned.page.getByText('and sees your IP address').waitFor()
    await turned.ask('What is a relay?')
    await turned.waitForState('done')
    expect((await turned.record()).segments).toMatchObject([{ path: 'webrtc', kind: 'tab' }])
    expect((await configurationsOf(turned)).slice(1)).toEqual([{ iceServers }])

    // So is a path on which a firewall leaves nothing else, though nobody hides.
    const before = turn.relayedBytes
    const walled = await openCrippledConsumer(network, withoutCandidates)
    await walled.ask('What is a relay?')
    await walled.waitForState('done')
    expect((await walled.record()).segments).toMatchObject([{ path: 'turn', kind: 'tab' }])
    expect(await walled.page.getByTestId('slip').last().innerText()).toMatch(/TURN/)
    expect(turn.relayedBytes).toBeGreaterThan(before)

    const provided = await configurationsOf(provider)
    expect(provided.length).toBeGreaterThanOrEqual(2)
    for (const configuration of provided) expect(configuration).toEqual({ iceServers })
  })
})
