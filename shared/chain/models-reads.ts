import { modelsAbi } from '../abi/models.ts'
import { readsOf, type ReadsAt } from './reads.ts'

/** Beside the other reads, because pages load those first and this one late. */
export const modelsAt: ReadsAt<typeof modelsAbi> = readsOf(modelsAbi)
