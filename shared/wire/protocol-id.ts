/** The stages that speak a protocol of their own. */
export type Stage = 'prompt' | 'schedule' | 'stream' | 'verify' | 'settle'

/** The libp2p protocol id of a stage, e.g. `/infernet/prompt/1`. */
export function protocolId(stage: Stage): string {
  return `/infernet/${stage}/1`
}
