import type { BrowserContext, Route } from 'playwright'

/**
 * What becomes of the next transaction that a page gives to a node, and of every question after it:
 *
 * - `dies`: a node takes it, its answer is lost, and no node answers any more
 * - `late`: a node takes it, and its answer comes long after the page has given it up; nothing else is answered
 * - `error`: a node takes it and answers an error; nothing else is answered
 * - `cut`: it is lost on its way, and no node answers any more
 */
export type LineFault = 'pass' | 'dies' | 'late' | 'error' | 'cut'

/** The way of one profile's pages to their nodes. */
export interface PageLine {
  fault: LineFault
  /** True once a transaction has met its fault. */
  readonly isMet: boolean
  /** Answers that are held. */
  readonly held: number
  /** Everything passes, and what was held is answered. */
  mend(): Promise<void>
}

const SENDS = 'eth_sendRawTransaction'
const HEADERS = { 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' }

export async function lineOf(profile: BrowserContext, isNode: (url: URL) => boolean): Promise<PageLine> {
  let isMet = false
  const held: (() => Promise<void>)[] = []
  const isSent = (route: Route): boolean => route.request().postData()?.includes(SENDS) ?? false

  async function meet(route: Route): Promise<void> {
    isMet = true
    if (line.fault === 'cut') return route.abort()
    const response = await route.fetch()
    if (line.fault === 'dies') return route.abort()
    if (line.fault === 'error') return refuse(route)
    held.push(() => route.fulfill({ response }))
  }

  async function refuse(route: Route): Promise<void> {
    const asked = JSON.parse(route.request().postData() ?? '{}') as { id: number } | { id: number }[]
    const answer = ({ id }: { id: number }) => ({
      ...{ jsonrpc: '2.0', id, error: { code: -32603, message: 'Internal error' } },
    })
    await route.fulfill({ headers: HEADERS, json: Array.isArray(asked) ? asked.map(answer) : answer(asked) })
  }

  async function handle(route: Route): Promise<void> {
    if (line.fault === 'pass' || (!isMet && !isSent(route))) return route.continue()
    if (!isMet) return meet(route)
    if (isSent(route) && line.fault === 'error') return refuse(route)
    if (isSent(route) && line.fault === 'late') return void held.push(() => route.continue())
    return route.abort()
  }

  const line: PageLine & { fault: LineFault } = {
    fault: 'pass',
    get isMet() {
      return isMet
    },
    get held() {
      return held.length
    },
    mend: async () => {
      line.fault = 'pass'
      isMet = false
      // The page has given these up long ago.
      await Promise.all(held.splice(0).map((answer) => answer().catch(() => undefined)))
    },
  }
  // A page that is closed meanwhile has nobody to be answered.
  await profile.route(isNode, (route) => handle(route).catch(() => undefined))
  return line
}
