import { verifyTranscript, type Transcript } from '#shared/stream/transcript.ts'
import { tokensRead } from '#shared/verify/service/check-terms.ts'
import type { CheckableJob } from './check-service.ts'

/**
 * What of an answer can be checked, in its order, by what proves it. A job without a signed token has nothing to check.
 *
 * @throws InfernetError `stream.bad-transcript` for one that is not what was signed
 */
export async function checkableJobs(transcripts: readonly Transcript[]): Promise<readonly CheckableJob[]> {
  const jobs: CheckableJob[] = []
  for (const transcript of transcripts) {
    const { provider, from, tokens, question, roots } = await verifyTranscript(transcript)
    const last = transcript.chunks.at(-1)
    if (tokens.length === 0 || !question || !last) continue
    jobs.push({
      ...{ transcript, provider, from, signature: last.signature },
      tokens: tokens.length,
      readTokens: tokensRead(question, tokens.length),
      hasRoots: roots.some(({ root }) => root !== undefined),
    })
  }
  return jobs.toSorted((a, b) => a.from - b.from)
}
