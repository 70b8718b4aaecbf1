import type { APIResponse, BrowserContext, Route } from 'playwright'
import { fetchThrough } from '../fixtures/fetch-through.ts'

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
  /** Everything passes, and what was held is answered. @throws when a fault could not be made as it was asked for */
  mend(): Promise<void>
}

const SENDS = 'eth_sendRawTransaction'
const HEADERS = { 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' }

export async function lineOf(profile: BrowserContext, isNode: (url: URL) => boolean): Promise<PageLine> {
  let [hasBegun, isMet] = [false, false]
  let failure: Error | undefined
  const held: (() => Promise<void>)[] = []
  const isSent = (route: Route): boolean => route.request().postData()?.includes(SENDS) ?? false

  async function meet(route: Route): Promise<void> {
    hasBegun = true // nothing after it passes, whatever it takes
    if (line.fault === 'cut') {
      isMet = true
      return route.abort()
    }
    const response = await fetchThrough(route)
    // A relay that has too much to do refuses, and the page goes to the next node: that one may take it.
    if (response && !(await isTaken(route, response))) {
      hasBegun = false
      return route.fulfill({ response })
    }
    isMet = true
    if (!response) return void (failure = new Error('no node was there'))
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
    if (line.fault === 'pass' || (!hasBegun && !isSent(route))) return route.continue()
    if (!hasBegun) return meet(route)
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
      hasBegun = false
      isMet = false
      if (failure) throw failure
      // The page has given these up long ago.
      await Promise.all(held.splice(0).map((answer) => answer().catch(() => undefined)))
    },
  }
  // A page that is closed meanwhile has nobody to be answered.
  await profile.route(isNode, (route) => handle(route).catch(() => undefined))
  return line
}

/** Whether the transaction among the questions was answered with a result. */
async function isTaken(route: Route, response: APIResponse): Promise<boolean> {
  const asked = [JSON.parse(route.request().postData() ?? '{}') as Question | Question[]].flat()
  const answers = [(await response.json().catch(() => ({}))) as Answer | Answer[]].flat()
  const sent = asked.find(({ method }) => method === SENDS)
  const answer = answers.find(({ id }) => id === sent?.id)
  if (answer?.result === undefined)
    console.log(`a node refused: ${response.status()} ${JSON.stringify(answers)}`)
  return answer?.result !== undefined
}

interface Question {
  readonly id?: number
  readonly method?: string
}

interface Answer {
  readonly id?: number
  readonly result?: unknown
}
