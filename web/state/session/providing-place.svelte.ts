import type { PeerName } from '#shared/base/ids.ts'
import { InfernetError } from '#shared/errors/infernet-error.ts'
import type { Mesh } from '../../mesh/mesh.ts'
import type { SessionServices } from './services.ts'

/** Where this tab provides: a mesh of its own (`MeshPurpose`), opened when providing begins and stopped when it ends. */
export class ProvidingPlace {
  readonly #services: SessionServices
  readonly #life: AbortSignal
  #mesh = $state.raw<Mesh | undefined>()
  #opening: Promise<Mesh> | undefined
  #over: Promise<unknown> = Promise.resolve()
  #keptName = $state.raw<PeerName | undefined>()
  #reserved = $state.raw<readonly PeerName[]>([])
  #inDoubt = $state(false)

  constructor(services: SessionServices, life: AbortSignal) {
    this.#services = services
    this.#life = life
  }

  /** What this tab provides under now; undefined while it does not. */
  get name(): PeerName | undefined {
    return this.#mesh?.name
  }

  /** Undefined while it does not provide. */
  get mesh(): Mesh | undefined {
    return this.#mesh
  }

  /** The name under which this browser provides; undefined before {@link readKeptName}, and where none lasts. */
  get keptName(): PeerName | undefined {
    return this.#keptName
  }

  /** The relays that keep a place for it. */
  get reserved(): readonly PeerName[] {
    return this.#reserved
  }

  /** True while it provides and no relay answers: what the relays took may stand there, and lead nobody here. */
  get inDoubt(): boolean {
    return this.#inDoubt
  }

  /** Asks its relays at once whether they still answer. */
  check(): void {
    this.#mesh?.check()
  }

  /** The mesh to provide in, opened anew after each {@link close}. It holds no place at a relay until it is told to. */
  open(): Promise<Mesh> {
    this.#opening ??= this.#open().catch((thrown: unknown) => {
      this.#opening = undefined
      throw thrown
    })
    return this.#opening
  }

  /** Leaves the network as a provider: the places at the relays are free, and the name may be provided under again. */
  async close(): Promise<void> {
    const opening = this.#opening
    this.#opening = undefined
    if (opening) this.#over = this.#close(opening).catch(() => undefined)
    await this.#over
  }

  async readKeptName(): Promise<void> {
    this.#keptName ??= await this.#services.providingName()
  }

  async #open(): Promise<Mesh> {
    if (!this.#services.secure) throw new InfernetError('mesh.insecure-page')
    await this.#over // the name is free only then
    const mesh = await this.#services.openMesh({ purpose: 'provide' }, { signal: this.#life })
    const read = (): void => {
      if (this.#mesh !== mesh) return
      this.#inDoubt = !mesh.relays.some(({ state }) => state === 'up')
      this.#reserved = mesh.relays.flatMap(({ relay, reserved }) => (reserved ? [relay] : []))
    }
    this.#mesh = mesh
    mesh.onChange(read)
    read()
    return mesh
  }

  async #close(opening: Promise<Mesh>): Promise<void> {
    const mesh = await opening
    if (this.#mesh === mesh) this.#mesh = undefined
    this.#reserved = []
    this.#inDoubt = false
    await mesh.stop()
  }
}
