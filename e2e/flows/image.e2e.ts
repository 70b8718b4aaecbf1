import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildImage, type DockerImage } from '../fixtures/docker-image.ts'
import { readIgnore } from '../fixtures/dockerfile.ts'
import { freePort } from '../fixtures/free-port.ts'

describe('the container image', () => {
  const folder = mkdtempSync(join(tmpdir(), 'infernet-image-'))
  let image: DockerImage
  beforeAll(() => {
    image = buildImage(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('starts from the files and packages that it holds, serves the page and the model, lends, and is healthy', async () => {
    const port = await freePort()
    const env = {
      PATH: process.env['PATH'],
      ...image.env,
      // The packages are links: they must find others here, not where they lie.
      NODE_OPTIONS: '--preserve-symlinks --preserve-symlinks-main',
      INFERNET_HOST: '127.0.0.1',
      INFERNET_PORT: String(port),
      INFERNET_DATA_FOLDER: join(image.folder, image.env['INFERNET_DATA_FOLDER'] ?? ''),
      INFERNET_SEED_PROVIDER: 'on',
    }
    const [command, ...args] = image.entrypoint
    expect(command).toBe('node')
    const relay = spawn(process.execPath, args, { cwd: image.workFolder, env })
    const log: string[] = []
    relay.stderr.on('data', (chunk: Buffer) => log.push(chunk.toString()))
    const ended = new Promise((resolve) => relay.once('exit', resolve))
    try {
      const url = `http://127.0.0.1:${port}`
      const look = async (): Promise<unknown> => {
        if (relay.exitCode !== null) throw new Error(`it ended with ${relay.exitCode}: ${log.join('')}`)
        return fetch(`${url}/health`).then(
          (answer) => answer.json(),
          () => undefined,
        )
      }
      await expect.poll(look, { timeout: 30_000 }).toMatchObject({ offers: 1 })
      expect(await (await fetch(url)).text()).toContain('<title>Infernet')
      const model = await fetch(`${url}/models/infernet-tiny/manifest.fp32.json`)
      expect(model.status).toBe(200)
      const [, ...probe] = image.healthcheck
      expect(spawnSync(process.execPath, probe, { env }).status).toBe(0)
      relay.kill('SIGTERM')
      expect(await ended, 'it stops in order').toBe(0)
      expect(spawnSync(process.execPath, probe, { env }).status, 'and is healthy no more').toBe(1)
    } finally {
      relay.kill('SIGKILL')
      await ended
    }
  })

  it('holds nothing to build or test with, and no tool that only a developer needs', () => {
    const has = (path: string): boolean => existsSync(join(image.workFolder, path))
    expect(has('node_modules/libp2p')).toBe(true)
    for (const path of ['vite', 'playwright', 'typescript', 'react-native', '@foundry-rs/anvil-linux-amd64'])
      expect(has(`node_modules/${path}`), path).toBe(false)
    for (const path of ['contracts', 'e2e', 'web/pages', 'data']) expect(has(path), path).toBe(false)
  })

  it('is built without keys, logs and data of whoever builds it, wherever they lie', () => {
    const isIgnored = readIgnore(readFileSync(new URL('../../.dockerignore', import.meta.url), 'utf8'))
    for (const path of [
      'data/identity.key',
      'relay/tls/server.pem',
      'relay/relay.key',
      'relay/.env',
      'web/x.log',
    ])
      expect(isIgnored(path), path).toBe(true)
    for (const path of [
      'relay/main.ts',
      'shared/base/ids.ts',
      'web/public/models/infernet-tiny/onnx/model.onnx',
    ])
      expect(isIgnored(path), path).toBe(false)
  })
})
