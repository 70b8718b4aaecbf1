/** A button that an error or an empty place offers: what it says and what it does. */
export interface Step {
  readonly label: string
  readonly run?: () => void
  /** A page of ours in place of an action, such as `/wallet`. */
  readonly href?: string
}

/** An error as the page shows it. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly fix: string
}
