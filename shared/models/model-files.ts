import { InfernetError } from '../errors/infernet-error.ts'

/** The checked files of one model: what the engine and the tokenizer read. Where they lie is the skin's business. */
export interface ModelFiles {
  /** Every path of the manifest. */
  readonly paths: readonly string[]
  /**
   * The whole file, already checked against the manifest.
   *
   * @throws InfernetError `models.corrupt`, `models.truncated`, `models.unavailable`, or the signal's reason
   */
  read(path: string, options?: { signal?: AbortSignal | undefined }): Promise<Uint8Array<ArrayBuffer>>
  /**
   * Opens a file to be read in parts, where it lies on disk; a file that is in memory has no such view.
   *
   * @throws InfernetError as `read`
   */
  view?(path: string, options?: { signal?: AbortSignal | undefined }): Promise<FileView>
}

/** A checked file that is read in parts, each at once. */
export interface FileView {
  /** In bytes. */
  readonly size: number
  /** Fills `into` with what is at `at`. @throws InfernetError `models.corrupt` where the file ends before */
  readInto(at: number, into: Uint8Array<ArrayBuffer>): void
  close(): Promise<void>
}

/** One JSON file of a model. @throws InfernetError as `read`, and `models.corrupt` when it is no JSON object. */
export async function readJson(
  files: ModelFiles,
  path: string,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Readonly<Record<string, unknown>>> {
  return parseJson(await files.read(path, options), path)
}

/** As {@link readJson}, of a file that a model may lack: `{}` then. */
export async function readJsonIfAny(
  files: ModelFiles,
  path: string,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<Readonly<Record<string, unknown>>> {
  return files.paths.includes(path) ? readJson(files, path, options) : {}
}

/** Newer repositories keep the chat template here and not in tokenizer_config.json. */
export const CHAT_TEMPLATE_PATH = 'chat_template.jinja'

/** The chat template where it is a file of its own. @throws InfernetError as `read` */
export async function readChatTemplate(files: ModelFiles): Promise<string | undefined> {
  if (!files.paths.includes(CHAT_TEMPLATE_PATH)) return undefined
  return new TextDecoder().decode(await files.read(CHAT_TEMPLATE_PATH))
}

export function parseJson(bytes: Uint8Array, path: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch (cause) {
    throw new InfernetError('models.corrupt', { path }, { cause })
  }
  throw new InfernetError('models.corrupt', { path })
}
