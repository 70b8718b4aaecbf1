import { InfernetError } from '../../errors/infernet-error.ts'

/** Of what a hub was asked, as far as its refusal is told by it. */
export interface HubRequest {
  readonly repository: string
  readonly revision?: string | undefined
  readonly token?: string | undefined
}

/** The hub answers 401 alike for what is missing, private and gated; `X-Error-Code` says more where it is told. */
export function hubRefusal(
  { status, headers }: Pick<Response, 'status' | 'headers'>,
  request: HubRequest,
): InfernetError | undefined {
  const { repository, revision = 'main', token } = request
  const code = headers.get('x-error-code')
  if (code === 'GatedRepo') return gated(request)
  if (code === 'RevisionNotFound') return notFound(`${repository} has no revision ${revision.slice(0, 60)}`)
  if (status === 401 && token)
    return notFound(`the hub does not take this token, or shows its account no repository ${repository}`)
  if (status === 401 || code === 'RepoNotFound' || (status === 404 && code !== 'EntryNotFound'))
    return notFound(`the hub shows no repository ${repository}, because there is none or it is private`)
  if (status === 403) return gated(request)
  return undefined
}

export function gated({ repository, token }: HubRequest): InfernetError {
  return new InfernetError('origin.gated', { repository, hasToken: token !== undefined })
}

export function notFound(reason: string): InfernetError {
  return new InfernetError('origin.not-found', { reason })
}
