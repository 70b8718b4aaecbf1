import { Template } from '@huggingface/jinja'
import { InfernetError } from '../../errors/infernet-error.ts'
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
  const template = parse(source)
  const special = specialTexts(init.tokenizerConfig)
  const now = init.now ?? Date.now

  function renderPlain(messages: readonly ChatMessage[], { thinking }: RenderOptions = {}): string {
    try {
      return template.render({
        ...special,
        ...(thinking === undefined ? {} : thinkingSwitches(thinking)),
        [DATE_FUNCTION]: (format: string) => formatDate(new Date(now()), format),
        messages: messages.map(({ role, content }) => ({ role, content })),
        add_generation_prompt: true,
      })
    } catch (cause) {
      throw new InfernetError(
        'models.unsupported',
        { reason: 'its chat template refuses this chat' },
        { cause },
      )
    }
  }

  const takesSystem = knowsSystem(renderPlain)
  return {
    source,
    render: (messages, options) =>
      renderPlain(takesSystem ? messages : withSystemInQuestion(messages), options),
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

/** The library's own `strftime_now` writes months in the visitor's language, and no other may have its name. */
const DATE_FUNCTION = 'strftime_english'

/** Real ones have up to 20,000 characters. */
const MAX_TEMPLATE = 1 << 17

function parse(source: string): Template {
  if (source.length > MAX_TEMPLATE)
    throw new InfernetError('models.unsupported', { reason: 'its chat template is too long' })
  try {
    return new Template(source.replace(/\bstrftime_now\b/g, DATE_FUNCTION))
  } catch (cause) {
    throw new InfernetError('models.unsupported', { reason: 'its chat template is broken' }, { cause })
  }
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

/** `bos_token`, `eos_token`, `pad_token`: templates name them. They are texts, or objects with a `content`. */
function specialTexts(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const name of ['bos_token', 'eos_token', 'pad_token', 'unk_token']) {
    const value = config[name]
    if (typeof value === 'string') texts[name] = value
    else if (typeof value === 'object' && value !== null && 'content' in value)
      texts[name] = String(value.content)
  }
  return texts
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** The parts of strftime that templates use, in English and in UTC: it says nothing of where the asker lives. */
function formatDate(date: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const month = MONTHS[date.getUTCMonth()] ?? ''
  const parts: Readonly<Record<string, string>> = {
    '%d': two(date.getUTCDate()),
    '%m': two(date.getUTCMonth() + 1),
    '%Y': String(date.getUTCFullYear()),
    '%B': month,
    '%b': month.slice(0, 3),
    '%H': two(date.getUTCHours()),
    '%M': two(date.getUTCMinutes()),
    '%S': two(date.getUTCSeconds()),
  }
  return format.replace(/%[a-zA-Z]/g, (part) => parts[part] ?? part)
}
