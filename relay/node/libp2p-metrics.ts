import type { Metrics, Stream } from '@libp2p/interface'

const nothing = (): void => undefined
const timer = () => nothing
const number = { update: nothing, increment: nothing, decrement: nothing, reset: nothing, timer }
const distribution = { observe: nothing, reset: nothing, timer }

/**
 * Tells of each negotiated stream and keeps none of libp2p's own metrics.
 *
 * This component is the hook because `libp2p.use()` is not: `registrar.getMiddleware` hands out its own array and the
 * connection pushes the handler onto it, so with a middleware the n-th stream is handled n times (libp2p 3.3.11).
 */
export function streamWatcher(onStream: (stream: Stream) => void): Metrics {
  return {
    trackMultiaddrConnection: nothing,
    trackProtocolStream: onStream,
    registerMetric: () => number,
    registerMetricGroup: () => number,
    registerCounter: () => number,
    registerCounterGroup: () => number,
    registerHistogram: () => distribution,
    registerHistogramGroup: () => distribution,
    registerSummary: () => distribution,
    registerSummaryGroup: () => distribution,
    traceFunction: <F>(_name: string, fn: F): F => fn,
    createTrace: () => undefined,
  }
}
