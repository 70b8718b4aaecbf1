import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHttpSource } from './http-source.ts'

const content = Buffer.from('0123456789'.repeat(1000))
let server: Server
let base: string
let ranges = true

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/models/page')
      return void response.setHeader('content-type', 'text/html').end('<html>')
    if (request.url === '/models/large') return void response.writeHead(206).end(request.headers.range)
    if (request.url !== '/models/onnx/model.onnx') return void response.writeHead(404).end()
    const start = ranges ? Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0
    response.writeHead(start > 0 ? 206 : 200).end(content.subarray(start))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function read(path: string, offset: number) {
  const opened = await createHttpSource(base).open(path, { offset })
  const chunks = await Array.fromAsync(opened.body)
  return { offset: opened.offset, text: Buffer.concat(chunks).toString() }
}

describe('createHttpSource', () => {
  it('reads a file from its beginning or from an offset', async () => {
    expect(await read('onnx/model.onnx', 0)).toEqual({ offset: 0, text: content.toString() })
    expect(await read('onnx/model.onnx', 9990)).toEqual({ offset: 9990, text: '0123456789' })
  })

  it('asks for what lies beyond 2 GB by its whole number', async () => {
    const offset = 2 ** 31 + 1048576
    expect(await read('large', offset)).toEqual({ offset, text: 'bytes=2148532224-' })
  })

  it('tells when the server sent everything although a part was asked for', async () => {
    ranges = false
    expect(await read('onnx/model.onnx', 9990)).toEqual({ offset: 0, text: content.toString() })
    ranges = true
  })

  it('names a missing file, a page served in its place, and a server that is gone', async () => {
    const status = (value: unknown) => ({ code: 'models.unavailable', facts: { status: value } })
    await expect(read('none', 0)).rejects.toMatchObject(status(404))
    await expect(read('page', 0)).rejects.toMatchObject({ code: 'origin.faulty' })
    const gone = createHttpSource('http://127.0.0.1:1/').open('x', { offset: 0 })
    await expect(gone).rejects.toMatchObject(status('no answer'))
  })

  it('ends with the reason of the signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(createHttpSource(base).open('onnx/model.onnx', { offset: 0, signal })).rejects.toThrow(
      'enough',
    )
  })
})
