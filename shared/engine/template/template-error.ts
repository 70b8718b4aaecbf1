/** Why a template gave no text: it is broken, it says no to this chat, it knows more than we do, or it never ends. */
export type TemplateFault = 'syntax' | 'chat' | 'unknown' | 'endless'

/** Thrown by everything in this folder; who renders makes an error for people of it. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  readonly fault: TemplateFault

  constructor(fault: TemplateFault, message: string) {
    super(message)
    this.fault = fault
  }
}

/** Python would do something here that we do not: said by name, never done otherwise. */
export function unknownPart(name: string): TemplateError {
  return new TemplateError('unknown', name)
}

/** Python fails here as well. */
export function chatFault(message: string): TemplateError {
  return new TemplateError('chat', message)
}
