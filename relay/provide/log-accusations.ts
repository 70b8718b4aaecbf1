import type { Accusation } from '#shared/peer/accusation.ts'
import type { ProvidedModel } from '#shared/peer/provide-model.ts'
import type { Logger } from '../observe/log.ts'

/**
 * Tells the operator what somebody says of the seed provider's answers, what its self-test came to, and why it ended.
 * At most three lines an hour: what waits until the hour is over is not told. Returns what undoes it.
 */
export function logAccusations(
  provided: Pick<ProvidedModel, 'provision' | 'accusation' | 'failure' | 'onChange'>,
  log: Logger,
): () => void {
  const { model } = provided.provision
  let stage: Accusation['state']['stage'] | undefined
  let hasEnded = false

  return provided.onChange(() => {
    const { accusation, failure } = provided
    if (accusation && accusation.state.stage !== stage) {
      stage = accusation.state.stage
      logOutcome(accusation, log)
    }
    if (!failure || hasEnded) return
    hasEnded = true
    log.error({ model, code: failure.code, reason: failure.message }, 'the seed provider stopped')
  })
}

function logOutcome(
  { verifier, model, class: ran, difference, isStaked, state }: Accusation,
  log: Logger,
): void {
  const facts = { model, verifier, isStaked }
  switch (state.stage) {
    case 'testing':
      return log.warn(
        { ...facts, backend: ran.backend, difference },
        'somebody says that an answer differs; the engine tests itself',
      )
    case 'passed':
      return log.info(facts, 'the engine passed its self-test, and goes on')
    case 'failed':
    case 'undecided':
      return log.warn(
        { ...facts, code: state.reason.code, reason: state.reason.message },
        state.stage === 'failed' ? 'the engine failed its self-test' : 'the engine could not be tested again',
      )
    case 'waiting':
    case 'resting':
  }
}
