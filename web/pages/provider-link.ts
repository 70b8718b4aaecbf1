/** The page of one provider, which anybody can be sent to. */
export function providerHref(name: string): string {
  return `./provider?peer=${encodeURIComponent(name)}`
}
