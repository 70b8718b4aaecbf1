import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SERVED_MODELS } from '#shared/models/catalogue/entry.ts'
import type { RelayConfig } from './options.ts'

type Folders = Pick<RelayConfig, 'modelsFolder' | 'pageFolder' | 'dataFolder'>

/** The folder whose files are served under `/models/`. */
export function modelsFolderOf({ modelsFolder, pageFolder }: Omit<Folders, 'dataFolder'>): string {
  return modelsFolder || join(pageFolder, 'models')
}

/** Where `npm run model` puts what it adds. */
export function addedFolderOf({ dataFolder }: Pick<Folders, 'dataFolder'>): string {
  return join(dataFolder, 'models')
}

/** Where a file is that a catalogue names by its place; undefined for a place of somebody else's. */
export type LocateModelFile = (place: string) => string | undefined

/** The first folder that has it counts; what no folder has would be in the first. @internal */
export function locateIn(folders: readonly [string, ...string[]]): LocateModelFile {
  return (place) => {
    if (!place.startsWith(SERVED_MODELS)) return undefined
    const path = place.slice(SERVED_MODELS.length).split('/')
    const [first, ...others] = folders
    const found = [first, ...others].find((folder) => existsSync(join(folder, ...path)))
    return join(found ?? first, ...path)
  }
}

/** Of both folders of a relay. */
export function locateModelFiles(config: Folders): LocateModelFile {
  return locateIn([modelsFolderOf(config), addedFolderOf(config)])
}
