import type { ModelHash } from '../../base/ids.ts'
import { concatBytes } from '../../base/bytes.ts'
import { InfernetError } from '../../errors/infernet-error.ts'
import type { HasherComponents } from '../file-hasher.ts'
import type { Finding } from '../lint-model.ts'
import { draftManifest, finishManifest, lintWith } from '../make-manifest.ts'
import { hashManifest, type Dtype, type Manifest, type ManifestFile } from '../manifest.ts'
import { parseJson } from '../model-files.ts'
import { externalFiles } from '../onnx/external-weights.ts'
import { GraphOutline } from '../onnx/graph-outline.ts'
import { modelType, type OnnxModel } from '../onnx/onnx-messages.ts'
import { isWeightsFile, pathBeside } from '../weight-files.ts'
import { chooseFiles, refuseFindings, type Choice } from './choose-files.ts'
import { fetchFile } from './fetch-file.ts'
import type { Listing, ListOptions, Origin, OriginReference } from './origin.ts'
import type { Scratch } from './scratch.ts'
import { SmallTensors } from './small-tensors.ts'

export interface AddComponents extends HasherComponents {
  readonly origin: Origin
  /** Where the files are kept as they come. @default nowhere: only the manifest is made */
  readonly scratch?: Scratch | undefined
}

export interface AddWanted extends Omit<ListOptions, 'signal'> {
  readonly dtype: Dtype
}

export interface AddProgress {
  readonly phase: 'listing' | 'loading'
  /** Bytes of the model that are here, those of earlier attempts included. */
  readonly loadedBytes: number
  /** A guess until the graph is read, which names the files beside it. */
  readonly totalBytes: number
  /** Bytes that came over the network this time. */
  readonly fetchedBytes: number
}

/** What is known of a model before anything of it is loaded. */
export interface AddOffer
  extends Pick<Choice, 'licence' | 'totalBytes'>, Pick<Listing, 'repository' | 'revision' | 'files'> {}

export interface AddOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: AddProgress) => void) | undefined
  /** Shows the licence to whoever adds the model; nothing is loaded unless it is accepted. */
  readonly accept: (offer: AddOffer) => boolean | Promise<boolean>
}

export interface AddedModel {
  readonly manifest: Manifest
  readonly hash: ModelHash
  /** Where the files came from. */
  readonly origin: OriginReference
  /** Warnings; what the lint refuses is not added. */
  readonly findings: readonly Finding[]
}

/**
 * Makes the manifest of one precision of a repository, loading each byte once: what is hashed is kept and read as well.
 * The same revision gives the same manifest on every machine.
 *
 * Small files and the graph come first, so that a model that cannot be used is refused before its weights are loaded.
 *
 * @throws InfernetError as `Origin.list` and `fetchFile`; `origin.unsuitable` with the reason, `origin.unaccepted`,
 * `models.unsupported` and `models.corrupt` for files that make no sense
 */
export async function addModel(
  components: AddComponents,
  { dtype, ...wanted }: AddWanted,
  { signal, onProgress, accept }: AddOptions,
): Promise<AddedModel> {
  onProgress?.({ phase: 'listing', loadedBytes: 0, totalBytes: 0, fetchedBytes: 0 })
  const listing = await components.origin.list({ ...wanted, signal })
  const choice = chooseFiles(listing, dtype)
  const { repository, revision } = listing
  const files = listing.files.filter(({ path }) => choice.paths.includes(path))
  if (!(await accept({ ...choice, repository, revision, files })))
    throw new InfernetError('origin.unaccepted', { licence: choice.licence?.id })
  signal?.throwIfAborted()
  const loading = new Loading(components, listing, choice, { signal, onProgress })

  const config = await loading.json('config.json')
  const generationConfig = await loading.json('generation_config.json')
  const model = await loading.graph()
  const lint = (graph: OnnxModel['graph']): readonly Finding[] =>
    lintWith(
      { config, generationConfig },
      { dtype, weights: modelType.encode({ ...model, graph }), paths: loading.choice.paths },
    )
  refuseFindings(lint(model.graph))
  const called = repository.slice(repository.lastIndexOf('/') + 1)
  const draft = draftManifest({ called, dtype, config, graph: model.graph, licence: choice.licence })
  const { files: loaded, graph } = await loading.rest(model.graph)
  const findings = lint(graph)
  refuseFindings(findings)
  const manifest = finishManifest(draft, loaded)
  return { manifest, hash: hashManifest(manifest), origin: listing.reference, findings }
}

type Graph = NonNullable<OnnxModel['graph']>
type ReadModel = OnnxModel & { readonly graph: Graph }

/** Loads the files one after the other, and adds up what has come. */
class Loading {
  choice: Choice
  readonly #components: AddComponents
  readonly #listing: Listing
  readonly #options: Pick<AddOptions, 'signal' | 'onProgress'>
  readonly #loaded = new Map<string, ManifestFile>()
  #loadedBytes = 0
  #fetchedBytes = 0

  constructor(
    components: AddComponents,
    listing: Listing,
    choice: Choice,
    options: Pick<AddOptions, 'signal' | 'onProgress'>,
  ) {
    this.#components = components
    this.#listing = listing
    this.choice = choice
    this.#options = options
  }

  /** A JSON file; `{}` where the model has none. */
  async json(path: string): Promise<Readonly<Record<string, unknown>>> {
    if (!this.choice.paths.includes(path)) return {}
    let parts: Uint8Array[] = []
    await this.#load(path, () => {
      parts = []
      return (chunk) => parts.push(chunk.slice())
    })
    return parseJson(concatBytes(...parts), path)
  }

  async graph(): Promise<ReadModel> {
    const { weights } = this.choice
    const name = weights.slice(pathBeside(weights, '').length)
    let outline: GraphOutline | undefined
    await this.#load(weights, (size) => {
      const fresh = new GraphOutline(name, size)
      outline = fresh
      return (chunk) => fresh.push(chunk)
    })
    const model = modelType.decode(outline?.finish() ?? new Uint8Array(0))
    const { graph } = model
    if (!graph) throw new InfernetError('models.corrupt', { path: weights })
    const beside = externalFiles(graph).filter((file) => file !== name)
    this.choice = chooseFiles(this.#listing, this.choice.dtype, beside)
    return { ...model, graph }
  }

  /** All other files, and the graph with what a check reads from beside it. */
  async rest(graph: Graph): Promise<{ readonly files: readonly ManifestFile[]; readonly graph: Graph }> {
    const { paths, weights } = this.choice
    const sizes = new Map(this.#listing.files.map(({ path, size }) => [path, size]))
    const small = new SmallTensors(graph, (file) => sizes.get(pathBeside(weights, file)))
    const prefix = pathBeside(weights, '').length
    for (const path of paths) {
      if (this.#loaded.has(path)) continue
      await this.#load(path, isWeightsFile(path, weights) ? () => small.read(path.slice(prefix)) : undefined)
    }
    const files = paths.map((path) => this.#loaded.get(path)).filter((file) => file !== undefined)
    return { files, graph: small.inside() }
  }

  async #load(path: string, reader?: (size: number) => (chunk: Uint8Array) => void): Promise<void> {
    const { scratch } = this.#components
    const file = this.#listing.files.find((each) => each.path === path)
    if (!file) throw new InfernetError('models.unavailable', { path, status: 'not listed' })
    const { signal, onProgress } = this.#options
    const [loadedBefore, fetchedBefore] = [this.#loadedBytes, this.#fetchedBytes]
    const components = { ...this.#components, source: this.#listing.source, scratch }
    const loaded = await fetchFile(components, file, {
      signal,
      reader: reader && (() => reader(file.size)),
      onBytes: (here, fetched) => {
        this.#loadedBytes = loadedBefore + here
        this.#fetchedBytes = fetchedBefore + fetched
        onProgress?.({
          phase: 'loading',
          loadedBytes: this.#loadedBytes,
          totalBytes: Math.max(this.choice.totalBytes, this.#loadedBytes),
          fetchedBytes: this.#fetchedBytes,
        })
      },
    })
    this.#loaded.set(path, loaded)
  }
}
