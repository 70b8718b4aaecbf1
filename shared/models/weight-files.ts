/**
 * Whether a file of a model holds weights: the graph, what lies beside it under its name (`model.onnx_data`,
 * `model.onnx.data`), and, where the graph has a folder of its own, all that is in it.
 */
export function isWeightsFile(path: string, weights: string): boolean {
  const folder = folderOf(weights)
  const isBeside = path.startsWith(`${weights}_data`) || path.startsWith(`${weights}.data`)
  return path === weights || isBeside || (folder !== '' && path.startsWith(folder))
}

/** Where a file lies that a graph names: its names are relative to its own folder. */
export function pathBeside(weights: string, name: string): string {
  return folderOf(weights) + name
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1)
}
