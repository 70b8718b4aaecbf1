import type { Clock } from '#shared/base/clock.ts'
import type { ModelHash } from '#shared/base/ids.ts'
import type { KnownModel } from '#shared/client/model-library.ts'
import type { ShareMesh } from '../../weights/swarm-terms.ts'
import { TabSwarm } from '../../weights/tab-swarm.ts'
import { readCap } from '../models/read-caps.ts'
import type { WatchedSettings } from './local-settings.ts'
import { VisitorsRules } from './share-rules.ts'

/** What this page shares with others, and under which rules. */
export interface Sharing {
  readonly swarm: TabSwarm
  readonly rules: VisitorsRules
}

export interface SharingComponents {
  readonly clock: Clock
  readonly settings: WatchedSettings
  readonly find: (model: ModelHash) => Pick<KnownModel, 'entry'> | undefined
  readonly open: (options: { readonly signal: AbortSignal }) => Promise<ShareMesh>
  /** Something of a model that was passed on is gone or changed. */
  readonly onLost: (model: ModelHash) => void
}

/** The page's part in the swarm, which obeys the settings from the moment that they change, in this tab or another. */
export function createSharing({ clock, settings, find, open, onLost }: SharingComponents): Sharing {
  const rules = new VisitorsRules({
    settings,
    mayPassOn: (model) => find(model)?.entry.licence.mayPassOn ?? true,
  })
  const swarm = new TabSwarm({
    ...{ clock, rules, open, onLost },
    random: { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) },
  })
  const obey = (): void => {
    swarm.uploadCap.set(readCap(settings, 'uploadRate'))
    swarm.ledger.setBudget(readCap(settings, 'uploadBudget'))
    swarm.check()
  }
  settings.onChange(obey)
  obey()
  return { swarm, rules }
}
