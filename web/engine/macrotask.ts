/**
 * A function that lets the event loop take one turn: what waits (a cancel) is handled, then we go on.
 *
 * A message to ourselves, because a timer waits 4 ms after a few rounds, which would cost a fast model half its speed.
 * For browsers alone, where each message is a task of its own: Node takes up to a thousand from a port in one turn, so
 * nothing else would be heard there, and `setImmediate` is the right breath.
 */
export function createMacrotask(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel()
  const waiting: (() => void)[] = []
  port1.onmessage = () => waiting.shift()?.()
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve)
      port2.postMessage(undefined)
    })
}
