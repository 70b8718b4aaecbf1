import type { Page } from 'playwright'

/** Sizes of a message that are tried. */
const MESSAGE_BYTES = [16, 64, 256].map((kib) => kib * 1024)
/** Beyond 2 MiB of unsent bytes Chromium's channel gets slow, and at 16 MiB it closes (docs/traps.md). */
const BUFFERED_BYTES = 2 * 1024 * 1024

interface ChannelPage {
  pc: RTCPeerConnection
  channel: RTCDataChannel
  received: Promise<number>
}
type ChannelWindow = Window & ChannelPage

/**
 * What a data channel between two tabs carries with nothing of ours on it, in bytes a second from the first byte that
 * comes to the last, at each size of a message, always in the same order.
 */
export async function measureBareChannel(from: Page, to: Page, bytes: number): Promise<readonly number[]> {
  const offer = await from.evaluate(openChannel)
  const answer = await to.evaluate(answerChannel, offer)
  await from.evaluate(finishChannel, answer)
  const rates: number[] = []
  for (const size of MESSAGE_BYTES) {
    await to.evaluate(countBytes, bytes)
    await from.evaluate(sendBytes, [bytes, size, BUFFERED_BYTES] as const)
    const ms = await to.evaluate(() => (window as unknown as ChannelWindow).received)
    rates.push((bytes / ms) * 1000)
  }
  for (const page of [from, to]) await page.evaluate(() => (window as unknown as ChannelWindow).pc.close())
  return rates
}

async function openChannel(): Promise<string> {
  const pc = new RTCPeerConnection()
  const channel = pc.createDataChannel('bench')
  Object.assign(window, { pc, channel })
  await pc.setLocalDescription()
  await new Promise<void>((resolve) => {
    pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve()
  })
  return JSON.stringify(pc.localDescription)
}

async function answerChannel(offer: string): Promise<string> {
  const pc = new RTCPeerConnection()
  const opened = new Promise<RTCDataChannel>((resolve) => {
    pc.ondatachannel = ({ channel }) => resolve(channel)
  })
  Object.assign(window, { pc, opened })
  await pc.setRemoteDescription(JSON.parse(offer) as RTCSessionDescriptionInit)
  await pc.setLocalDescription()
  await new Promise<void>((resolve) => {
    if (pc.iceGatheringState === 'complete') resolve()
    pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && resolve()
  })
  return JSON.stringify(pc.localDescription)
}

async function finishChannel(answer: string): Promise<void> {
  const { pc, channel } = window as unknown as ChannelWindow
  const open = new Promise((resolve) => (channel.onopen = resolve))
  await pc.setRemoteDescription(JSON.parse(answer) as RTCSessionDescriptionInit)
  await open
}

async function countBytes(bytes: number): Promise<void> {
  const page = window as unknown as ChannelWindow & { opened: Promise<RTCDataChannel> }
  const channel = await page.opened
  channel.binaryType = 'arraybuffer'
  let first = 0
  let count = 0
  page.received = new Promise((resolve) => {
    channel.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      first ||= performance.now()
      count += data.byteLength
      if (count >= bytes) resolve(performance.now() - first)
    }
  })
}

async function sendBytes([bytes, size, buffered]: readonly [number, number, number]): Promise<void> {
  const { channel } = window as unknown as ChannelWindow
  const message = new Uint8Array(size)
  channel.bufferedAmountLowThreshold = buffered / 2
  for (let sent = 0; sent < bytes; sent += size) {
    if (channel.bufferedAmount > buffered)
      await new Promise((resolve) => channel.addEventListener('bufferedamountlow', resolve, { once: true }))
    channel.send(message)
  }
}
