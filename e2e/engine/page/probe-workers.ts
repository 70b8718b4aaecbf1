import probeUrl from './probe.ts?worker&url'
import type { Holdings, ProbeOrder, ProbeQuestion } from './probe.ts'

/** Those that have not ended, with their names. */
const live = new Map<Worker, string>()

/**
 * From here on every module worker of this page starts with the probe, before its own first line. What follows is the
 * worker's file as it was built: nothing in it knows of this.
 */
export function probeWorkers(): void {
  const probe = new URL(probeUrl, location.href).href
  window.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      const own = new URL(url, location.href).href
      const code = [probe, own].map((each) => `import ${JSON.stringify(each)}`).join('\n')
      super(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })), options)
      live.set(this, options?.name ?? '')
    }

    override terminate(): void {
      live.delete(this)
      super.terminate()
    }
  }
}

/** What the workers that have not ended hold together, or those of that name. */
export async function holdings(name?: string): Promise<Holdings> {
  const asked = [...live].filter(([, own]) => name === undefined || own === name)
  return sum(await Promise.all(asked.map(([worker]) => ask(worker, 'holdings'))))
}

/** Destroys every GPU device there is, as a driver that resets does. */
export async function loseDevices(): Promise<void> {
  await Promise.all([...live.keys()].map((worker) => ask(worker, 'lose-device')))
}

function ask(worker: Worker, probe: ProbeOrder): Promise<Holdings> {
  const { port1, port2 } = new MessageChannel()
  return new Promise((resolve) => {
    port1.onmessage = ({ data }: MessageEvent<Holdings>) => {
      port1.close()
      resolve(data)
    }
    worker.postMessage({ probe, answerTo: port2 } satisfies ProbeQuestion, [port2])
  })
}

function sum(all: readonly Holdings[]): Holdings {
  const total = (name: keyof Holdings): number => all.reduce((at, each) => at + each[name], 0)
  return {
    gpuBytes: total('gpuBytes'),
    gpuBuffers: total('gpuBuffers'),
    wasmBytes: total('wasmBytes'),
    submitMs: total('submitMs'),
  }
}
