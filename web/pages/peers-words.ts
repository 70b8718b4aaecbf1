/** What asking for a model's pieces tells others, or what is left undone so that they learn nothing. */
export function peersWords({
  originsOnly,
  hidesAddress,
}: {
  readonly originsOnly: boolean
  readonly hidesAddress: boolean
}): string {
  if (hidesAddress)
    return 'You hide your address, so this tab asks no peer for pieces of models and sends none.'
  return originsOnly
    ? 'This tab asks no peer for pieces and sends none. The origin alone learns which model you fetch, and your address.'
    : 'Asking for pieces tells peers which model you fetch, and your address. From origins only, this tab asks no peer and sends none either.'
}
