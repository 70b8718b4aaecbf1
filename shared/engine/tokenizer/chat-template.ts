import { InfernetError } from '../../errors/infernet-error.ts'
import { createTemplate, type Template } from '../template/render.ts'
import { TemplateError, type TemplateFault } from '../template/template-error.ts'
import type { ChatMessage } from './chat-message.ts'

export interface ChatTemplateInit {
  /** tokenizer_config.json, parsed; it holds the template unless `chatTemplate` is given. */
  readonly tokenizerConfig: Readonly<Record<string, unknown>>
  /** chat_template.jinja, where the repository keeps the template in a file of its own. */
  readonly chatTemplate?: string | undefined
  /** For templates that tell the model the date, in milliseconds since 1970. @default Date.now */
  readonly now?: (() => number) | undefined
}

export interface RenderOptions {
  /** False asks a model that can think aloud not to; undefined leaves it to the template. */
  readonly thinking?: boolean | undefined
}

/** A model's chat template. */
export interface ChatTemplate {
  /** The conversation as text, up to where the next answer begins. */
  render(messages: readonly ChatMessage[], options?: RenderOptions): string
  /** Whether the template writes this by itself, whatever people say: its own texts, and what it makes of the roles. */
  writes(text: string): boolean
  /** As it stands in the repository: the marks of thoughts are told by it. */
  readonly source: string
}

/**
 * Reads a model's template. Where it knows no system role (Gemma 2 refuses it, others leave it out), what the system
 * says comes before the first question, as Gemma 3's own template does it.
 *
 * @throws InfernetError `models.unsupported` when there is none, or when it is no template
 */
export function createChatTemplate(init: ChatTemplateInit): ChatTemplate {
  const source = init.chatTemplate ?? sourceOf(init.tokenizerConfig['chat_template'])
  if (source === undefined) throw new InfernetError('models.unsupported', { reason: 'no chat template' })
  const special = specialTexts(init.tokenizerConfig)
  const template = parse(source, init.now ?? Date.now)

  function renderPlain(messages: readonly ChatMessage[], { thinking }: RenderOptions = {}): string {
    try {
      return template.render({
        ...special,
        ...(thinking === undefined ? {} : thinkingSwitches(thinking)),
        // Python's library defines both in every chat, and templates ask whether they are none.
        tools: null,
        documents: null,
        messages: messages.map(({ role, content }) => ({ role, content })),
        add_generation_prompt: true,
      })
    } catch (cause) {
      throw unusable(cause)
    }
  }

  const takesSystem = knowsSystem(renderPlain)
  const written = [
    ...template.texts,
    ...Object.values(special),
    ...ROLE_PROBES.map((p) => quietly(() => renderPlain(p)) ?? ''),
  ]
  return {
    source,
    render: (messages, options) =>
      renderPlain(takesSystem ? messages : withSystemInQuestion(messages), options),
    writes: (text) => written.some((one) => one.includes(text)),
  }
}

/**
 * Qwen 3, SmolLM 3, GLM and Gemma 4 call it `enable_thinking`, DeepSeek 3.1 and Granite `thinking`, Command A
 * `reasoning`; Seed-OSS counts the tokens of a thought.
 */
function thinkingSwitches(thinking: boolean): Readonly<Record<string, boolean | number>> {
  const budget = thinking ? {} : { thinking_budget: 0 }
  return { enable_thinking: thinking, thinking, reasoning: thinking, ...budget }
}

const said = (...roles: readonly ChatMessage['role'][]): readonly ChatMessage[] =>
  roles.map((role) => ({ role, content: '.' }))
/** Some templates make their marks of the roles: `'<|' + message.role + '|>'`. */
const ROLE_PROBES = [said('user'), said('system', 'user'), said('user', 'assistant', 'user')]

/** A template, or several by name of which `default` is for chats. */
function sourceOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return undefined
  const named = value.filter(
    (entry): entry is { name: string; template: string } =>
      typeof entry === 'object' && entry !== null && 'name' in entry && 'template' in entry,
  )
  const chosen = named.find(({ name }) => name === 'default') ?? named[0]
  return typeof chosen?.template === 'string' ? chosen.template : undefined
}

/** Real ones have up to 20,000 characters. */
const MAX_TEMPLATE = 1 << 17

function parse(source: string, now: () => number): Template {
  if (source.length > MAX_TEMPLATE)
    throw new InfernetError('models.unsupported', { reason: 'its chat template is too long' })
  try {
    return createTemplate(source, { now })
  } catch (cause) {
    throw unusable(cause)
  }
}

const REASONS: Readonly<Record<Exclude<TemplateFault, 'unknown'>, string>> = {
  syntax: 'its chat template is broken',
  chat: 'its chat template refuses this chat',
  endless: 'its chat template takes too much time or memory',
}

function unusable(cause: unknown): InfernetError {
  const fault = cause instanceof TemplateError ? cause.fault : 'syntax'
  const reason =
    fault === 'unknown'
      ? `its chat template uses ${(cause as TemplateError).message}, which is not known here`
      : REASONS[fault]
  return new InfernetError('models.unsupported', { reason }, { cause })
}

function knowsSystem(render: (messages: readonly ChatMessage[]) => string): boolean {
  const said = 'What the system says'
  const text = quietly(() =>
    render([
      { role: 'system', content: said },
      { role: 'user', content: 'a' },
    ]),
  )
  return text?.includes(said) ?? false
}

function quietly<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}

function withSystemInQuestion(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const [system, ...rest] = messages
  if (system?.role !== 'system') return messages
  const first = rest.findIndex(({ role }) => role === 'user')
  return rest.map((message, i) =>
    i === first ? { ...message, content: `${system.content}\n\n${message.content}` } : message,
  )
}

const SPECIAL_NAMES = 'bos eos unk sep pad cls mask'.split(' ').map((name) => `${name}_token`)

/** `bos_token`, `eos_token`, `pad_token`: templates name them. They are texts, or objects with a `content`. */
function specialTexts(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const name of SPECIAL_NAMES) {
    const value = config[name]
    if (typeof value === 'string') texts[name] = value
    else if (typeof value === 'object' && value !== null && 'content' in value)
      texts[name] = String(value.content)
  }
  return texts
}
