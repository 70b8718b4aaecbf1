import { existsSync } from 'node:fs'
import { createServer, request, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { startAnvil, type Anvil } from './anvil.ts'
import { findAnvil } from './find-anvil.ts'

const ORIGINS = ['http://127.0.0.1:4630', 'http://localhost:4630']
const QUESTION = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] })
const hasAnvil = findAnvil() !== undefined

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

function ask({ port }: Anvil, method: 'POST' | 'OPTIONS', origin?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', ...(origin === undefined ? {} : { origin }) }
    const question = request({ host: '127.0.0.1', port, method, headers }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }))
    })
    question.on('error', reject).end(method === 'POST' ? QUESTION : undefined)
  })
}

test.runIf(hasAnvil)('a chain is read by a page under each of its names, and by no other page', async () => {
  const anvil = await startAnvil({ allowOrigins: ORIGINS })
  try {
    for (const origin of ORIGINS) {
      const preflight = await ask(anvil, 'OPTIONS', origin)
      expect(preflight).toMatchObject({
        status: 204,
        headers: { 'access-control-allow-headers': 'content-type' },
      })
      for (const { headers } of [preflight, await ask(anvil, 'POST', origin)])
        expect([headers['access-control-allow-origin'], headers.vary]).toEqual([origin, 'Origin'])
    }
    for (const method of ['OPTIONS', 'POST'] as const)
      for (const origin of ['http://elsewhere.test:4630', 'http://localhost:4631', 'null']) {
        const { headers } = await ask(anvil, method, origin)
        expect(headers['access-control-allow-origin']).toBeUndefined()
      }
    expect(await ask(anvil, 'POST')).toMatchObject({
      status: 200,
      text: expect.stringContaining('0x7a69') as string,
    })
  } finally {
    await anvil.stop()
  }
  expect(existsSync(`/proc/${anvil.pid}`)).toBe(false)
})

test.runIf(hasAnvil)('a port that is taken is refused, so that another one can be tried', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  try {
    await expect(startAnvil({ port, allowOrigins: ORIGINS })).rejects.toThrow(/did not start\. .*EADDRINUSE/)
  } finally {
    other.close()
  }
})
