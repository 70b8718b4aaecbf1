import type { Libp2p } from '@libp2p/interface'
import { envelopeFor } from '../verify/calibration/envelope-for.ts'
import { MAX_CHECK_STREAMS, VERIFY_PROTOCOL } from '../verify/service/constants.ts'
import { VerifyService, type VerifyServiceComponents } from '../verify/service/verify-service.ts'
import { answerProtocols } from '../wire/answer-protocols.ts'

/** What answers those who ask for a check. */
export interface AnsweredChecks {
  readonly service: VerifyService
  unmount(): Promise<void>
}

/** Reads answers of others for those who ask for it, from now on. A module of its own, loaded with the first provision. */
export async function answerChecks(
  node: Pick<Libp2p, 'handle' | 'unhandle'>,
  components: Omit<VerifyServiceComponents, 'envelopeFor'>,
): Promise<AnsweredChecks> {
  const service = new VerifyService({ ...components, envelopeFor })
  const unmount = await answerProtocols(node, [
    {
      protocol: VERIFY_PROTOCOL,
      handle: service.handle,
      maxInboundStreams: MAX_CHECK_STREAMS,
      isRelayed: true,
    },
  ])
  return { service, unmount }
}
