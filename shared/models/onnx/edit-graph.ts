import { graphType, type OnnxGraph, type OnnxNode } from './onnx-messages.ts'

/** If and Loop hold graphs that read values of the graph around them. */
export function hasSubgraphs(node: OnnxNode): boolean {
  return node.attributes.some(({ graph, graphs }) => graph !== undefined || graphs.length > 0)
}

/** Exports nest a branch or two; a chain of graphs in graphs is no model. */
const MAX_NESTING = 8

/**
 * Leaves out what no output needs: nodes, initializers, declared shapes, and inputs, of which `keepInputs` stay.
 * Nodes are in topological order, as ONNX demands, so one walk from the end is enough.
 */
export function withoutDeadParts(graph: OnnxGraph, keepInputs: readonly string[] = []): OnnxGraph {
  const used = new Set(graph.outputs.map(({ name }) => name ?? ''))
  const nodes: OnnxNode[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((output) => output !== '' && used.has(output))) continue
    nodes.push(node)
    for (const value of readValues(node, 0)) used.add(value)
  }
  nodes.reverse()
  const made = new Set(nodes.flatMap(({ outputs }) => outputs))
  const isUsed = ({ name = '' }: { name?: string | undefined }): boolean => used.has(name)
  return {
    ...graph,
    nodes,
    initializers: graph.initializers.filter(isUsed),
    inputs: graph.inputs.filter((input) => isUsed(input) || keepInputs.includes(input.name ?? '')),
    valueInfos: graph.valueInfos.filter(({ name = '' }) => made.has(name)),
  }
}

/** Names that a node reads, those that its subgraphs take from outside included (and a few of their own). */
function readValues(node: OnnxNode, depth: number): readonly string[] {
  if (!hasSubgraphs(node) || depth >= MAX_NESTING) return node.inputs
  const inner = node.attributes
    .flatMap(({ graph, graphs }) => (graph ? [graph, ...graphs] : graphs))
    .map((bytes) => graphType.decode(bytes))
  return [
    ...node.inputs,
    ...inner.flatMap(({ nodes, outputs }) => [
      ...nodes.flatMap((child) => readValues(child, depth + 1)),
      ...outputs.map(({ name = '' }) => name),
    ]),
  ]
}

/** True when a value of the graph has one of these names. */
export function hasValue(graph: OnnxGraph, names: readonly string[]): boolean {
  const isOne = (name: string | undefined): boolean => name !== undefined && names.includes(name)
  return (
    graph.nodes.some(({ outputs }) => outputs.some(isOne)) ||
    [...graph.initializers, ...graph.inputs].some(({ name }) => isOne(name))
  )
}

/** The same graph with values under other names. Subgraphs are not looked into: the caller makes sure of none. */
export function renameValues(graph: OnnxGraph, names: ReadonlyMap<string, string>): OnnxGraph {
  const renamed = (value: string): string => names.get(value) ?? value
  const rename = <T extends { readonly name: string | undefined }>(item: T): T =>
    item.name !== undefined && names.has(item.name) ? { ...item, name: renamed(item.name) } : item
  return {
    ...graph,
    nodes: graph.nodes.map((node) =>
      [...node.inputs, ...node.outputs].some((value) => names.has(value))
        ? { ...node, inputs: node.inputs.map(renamed), outputs: node.outputs.map(renamed) }
        : node,
    ),
    initializers: graph.initializers.map(rename),
    inputs: graph.inputs.map(rename),
    outputs: graph.outputs.map(rename),
    valueInfos: graph.valueInfos.map(rename),
  }
}

/** The same graph in which nodes read `to` where they read `from`. */
export function readInstead(graph: OnnxGraph, names: ReadonlyMap<string, string>): OnnxGraph {
  const instead = (value: string): string => names.get(value) ?? value
  return {
    ...graph,
    nodes: graph.nodes.map((node) =>
      node.inputs.some((value) => names.has(value)) ? { ...node, inputs: node.inputs.map(instead) } : node,
    ),
  }
}
