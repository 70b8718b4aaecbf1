import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import type { Report } from './page.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const ENTRY = fileURLToPath(new URL('page.ts', import.meta.url))
/** As on the page: WebAssembly may be compiled, text may not become code. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"

/** Serves the page of this folder on a free port, and waits for what it reports. */
export interface ReportServer {
  readonly url: string
  /** What the next browser that opens the page reports. Throws after `limitMs`. */
  nextReport(limitMs: number): Promise<Report>
  close(): void
}

export async function startReportServer(): Promise<ReportServer> {
  const code = await bundle()
  const waiting: ((report: Report) => void)[] = []

  function answer(request: IncomingMessage, response: ServerResponse): void {
    response.setHeader('content-security-policy', POLICY)
    if (request.url === '/report') {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        waiting.shift()?.(JSON.parse(Buffer.concat(parts).toString()) as Report)
        response.end()
      })
    } else if (request.url === '/page.js') response.setHeader('content-type', 'text/javascript').end(code)
    else
      response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><title>Sampler</title><script type="module" src="/page.js"></script>')
  }

  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    nextReport(limitMs) {
      return new Promise((resolve, reject) => {
        const late = (): void => reject(new Error(`the page has not reported within ${limitMs} ms`))
        const timer = setTimeout(late, limitMs)
        waiting.push((report) => {
          clearTimeout(timer)
          resolve(report)
        })
      })
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function bundle(): Promise<string> {
  const built = await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    build: { write: false, target: 'esnext', lib: { entry: ENTRY, formats: ['es'], fileName: 'page' } },
  })
  const [result] = Array.isArray(built) ? built : [built]
  const chunk = result && 'output' in result ? result.output[0] : undefined
  if (!chunk) throw new Error('the page of the sampler does not build')
  return chunk.code
}
