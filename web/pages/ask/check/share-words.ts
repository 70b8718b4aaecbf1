import type { ModelHash, PeerName } from '#shared/base/ids.ts'
import type { CheckDesk } from '../../../state/ask/check-desk.svelte.ts'
import { MAX_CHECKS_A_DAY } from '../../../state/ask/check-share.ts'
import type { Settings } from '../../../state/session/settings.svelte.ts'
import { formatInf } from '../../../ui/format.ts'

/** A usual answer with its prompt. */
const USUAL_TOKENS = 400
/** No provider: the answers that are to come have none yet. */
const NOBODY = '' as PeerName

/** What the chosen share costs, in money and in secrecy, from today's offers. */
export function shareWords({
  settings,
  checks,
  model,
  modelName,
}: {
  readonly settings: Settings
  readonly checks: CheckDesk
  readonly model: ModelHash
  readonly modelName: string
}): string {
  const percent = settings.checkPercent.value
  const place = settings.checkPlace.value
  if (percent === 0) return 'Nothing is checked by itself. Each check is a press of yours.'
  if (place === 'tab')
    return 'Free. Answers of models that are not on this device stay unchecked, and nobody else reads a prompt.'
  const price = checks.priceOf(model, [{ provider: NOBODY, readTokens: USUAL_TOKENS }])
  const cost =
    price === undefined
      ? `Nobody lends ${modelName} now, so there is no price.`
      : price === 0n
        ? `Strangers check ${modelName} for nothing today.`
        : `A stranger reads ${USUAL_TOKENS} tokens of ${modelName} for ${formatInf(price)} today: about ${formatInf(price * BigInt(percent))} for 100 answers.`
  const first =
    place === 'tab-first' ? `This tab checks for nothing what it has the model of. Otherwise one` : 'One'
  const left = `Of today’s limit ${formatInf(checks.share.left)} are left, and ${Math.min(MAX_CHECKS_A_DAY, checks.share.checksLeft)} checks.`
  return `${first} more stranger reads the prompt of each answer that is checked so. ${cost} ${left}`
}
