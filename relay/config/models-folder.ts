import { join } from 'node:path'
import type { RelayConfig } from './options.ts'

/** The folder whose files are served under `/models/`. */
export function modelsFolderOf({
  modelsFolder,
  pageFolder,
}: Pick<RelayConfig, 'modelsFolder' | 'pageFolder'>): string {
  return modelsFolder || join(pageFolder, 'models')
}
