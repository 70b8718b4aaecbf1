import { FAMILIES, type FamilyModel } from '#shared/model-kit/families/families.ts'
import { makeFamilyModel, type MadeModel } from '#shared/model-kit/families/make-family.ts'

const LARGE = { hidden: 512, heads: 8, kvHeads: 8, headDim: 64, inner: 1536, layers: 4, vocab: 3840 }

/** Texts of 96 tokens, for who waits for an answer: it is half as long. */
export const SHORT_TEXTS = { longRope: { below: 96, shortFactor: 1.1, longFactor: 4 } }

type Changes = Partial<Pick<FamilyModel['family'], keyof typeof LARGE | 'longRope'>>

/** 64 MB of weights, or of other measures, in the graph's own file or in some beside it. */
function largeFamily(dataFiles: number, sizes: Changes): FamilyModel {
  const phi = FAMILIES.find((each) => each.family.id === 'phi-3.5')
  if (!phi) throw new Error('no such family')
  return { ...phi, family: { ...phi.family, ...LARGE, ...sizes, dataFiles } }
}

export function makeLargeModel(dataFiles = 0, sizes: Changes = {}): MadeModel {
  return makeFamilyModel(largeFamily(dataFiles, sizes), 'fp32')
}
