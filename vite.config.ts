import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig, type Plugin } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { SuiteReporter } from './e2e/run/suite-reporter.ts'
import { chunkIntegrity } from './e2e/verify-page/chunk-integrity.ts'
import { PURE_FOLDERS } from './shared/testing/pure-folders.ts'

const root = fileURLToPath(new URL('.', import.meta.url))
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** Where `npm test` and `npm run test:long` read what happened; see e2e/run/suite.ts. */
const notes = process.env['INFERNET_SUITE_NOTES']

/** Examples of failures are for the tests of their sentences: a kilobyte that the page's first load goes without. */
const withoutExamples = {
  name: 'without-examples',
  enforce: 'pre',
  transform: (code: string, id: string) =>
    /shared\/errors\/codes\/[\w-]+\.ts$/.test(id) ? code.replace(/,\s*example: \{[^{}]*\}/g, '') : undefined,
} as const

/** Vitest gives a condition that is polled one second, which a busy machine takes for less than a step of it. */
const expectInTime = { poll: { timeout: 20_000 } } as const
const browsers = {
  ...{ environment: 'node', testTimeout: 120_000, hookTimeout: 180_000 },
  expect: expectInTime,
} as const
/** What measures times or memory, and would measure its neighbour's too. */
const alone = ['e2e/flows/failover.e2e.ts', 'e2e/engine/leaks.e2e.ts']

/** What takes long, the longest first: begun last, it would run beside nothing. */
const long = [
  'page',
  'check',
  'gpu-decoder',
  'webgpu',
  'market',
  'several-models',
  'swarm',
  'start',
  'paths',
  'paid',
  'doubt',
  'themes',
  'lost-answers',
  'own-tab',
  'wallet-moves',
  'add-model',
  'models',
  'passkey',
  'outage',
  'hard-cases',
  'seed-provider',
  'dead-socket',
  'relayed',
  'local-chain',
  'main',
  'standing-provider',
  'ask',
]

/** These share a process, file after file: a process for each takes longer than most of them. */
const pure = `shared/{${PURE_FOLDERS.join(',')}}/**/*.test.ts`

/** Of one test in `npm run test:long`; its suites have deadlines of their own. */
const LONG_MS = 30 * 60_000

/** The sentence encoder is made of an npm package where it is missing, before the page's own files are copied. */
const sentenceEncoder: Plugin = {
  name: 'sentence-encoder',
  // Not for the server that runs tests: what they need of it they make themselves.
  apply: (_, { command }) => command === 'build' || process.env['VITEST'] === undefined,
  buildStart() {
    const script = fileURLToPath(new URL('shared/model-kit/use-lite/write-encoder.ts', import.meta.url))
    execFileSync(process.execPath, [script], { stdio: 'inherit' })
  },
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = long.findIndex((name) => moduleId.includes(`/${name}.`))
      return at < 0 ? long.length : at
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  root: 'web',
  // A proxy may put the page into a folder: nothing of it names the root of the host.
  base: './',
  plugins: [
    sentenceEncoder,
    withoutExamples,
    tailwindcss(),
    svelte({ configFile: false }),
    chunkIntegrity(`${root}web/public`),
  ],
  // The patched @libp2p/webrtc and ORT's own worker glue must reach the page as they are on disk.
  optimizeDeps: { exclude: ['onnxruntime-web', '@libp2p/webrtc'] },
  worker: { format: 'es' },
  build: {
    target: 'esnext',
    outDir: fileURLToPath(new URL('web/dist', import.meta.url)),
    emptyOutDir: true,
    chunkSizeWarningLimit: 1200,
  },
  server: { headers: isolation, host: '127.0.0.1' },
  test: {
    sequence: { sequencer: LongestFirst },
    ...(notes && { reporters: ['default', new SuiteReporter(notes)] }),
    projects: [
      {
        root,
        extends: false,
        test: {
          name: 'unit',
          environment: 'node',
          include: ['{shared,relay,web,contracts,e2e}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.svelte.test.ts', '**/*.long.test.ts', pure],
          // Only what hangs comes here: on a busy machine a process alone may take ten seconds to start.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: expectInTime,
        },
      },
      {
        root,
        extends: false,
        test: {
          name: 'unit-pure',
          environment: 'node',
          include: [pure],
          exclude: ['**/node_modules/**', '**/*.long.test.ts'],
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: expectInTime,
        },
      },
      {
        root,
        extends: false,
        plugins: [svelte({ configFile: false })],
        resolve: { conditions: ['browser'] },
        test: {
          name: 'web',
          environment: 'node',
          include: ['web/**/*.svelte.test.ts'],
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: expectInTime,
        },
      },
      {
        root,
        extends: false,
        test: {
          ...browsers,
          name: 'e2e',
          include: ['e2e/{flows,sampler,engine,storage}/**/*.e2e.ts'],
          exclude: [...alone, '**/*.long.e2e.ts'],
        },
      },
      {
        root,
        extends: false,
        test: { ...browsers, name: 'e2e-alone', include: alone, fileParallelism: false },
      },
      {
        root,
        extends: false,
        test: {
          ...browsers,
          name: 'long',
          include: ['{shared,relay,web,contracts,e2e}/**/*.long.{test,e2e}.ts'],
          testTimeout: LONG_MS,
          expect: expectInTime,
        },
      },
      {
        root,
        extends: false,
        test: {
          name: 'long-fuzz',
          environment: 'node',
          // All that draw what comes in; the command names them.
          include: ['{shared,relay,web,contracts,e2e}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.svelte.test.ts', '**/*.long.test.ts'],
          setupFiles: fileURLToPath(new URL('shared/testing/longer-fuzz.ts', import.meta.url)),
          testTimeout: LONG_MS,
          hookTimeout: 60_000,
          expect: expectInTime,
        },
      },
    ],
  },
})
