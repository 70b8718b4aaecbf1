import { bytes, float, int32, int64, many, message, one, text, type Decoded } from './proto-message.ts'

/*
 * The messages of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, release 1.19) as far as a rewrite
 * or a check reads them; all other fields are kept untouched. What may be large or deep (types, tensors inside
 * attributes, subgraphs) stays bytes until someone asks.
 */

const stringEntryType = message({ key: one(1, text), value: one(2, text) })

const dimensionType = message({ value: one(1, int64), name: one(2, text) })
const shapeType = message({ dims: many(1, dimensionType) })
const tensorTypeType = message({ elementType: one(1, int32), shape: one(2, shapeType) })
const typeType = message({ tensor: one(1, tensorTypeType) })

export const valueInfoType = message({ name: one(1, text), type: one(2, typeType) })
export type ValueInfo = Decoded<typeof valueInfoType>

export const tensorType = message({
  dims: many(1, int64),
  dataType: one(2, int32),
  int64Data: many(7, int64),
  name: one(8, text),
  rawData: one(9, bytes),
  externalData: many(13, stringEntryType),
  /** 1: the data lie in a file beside the model. */
  dataLocation: one(14, int32),
})
export type OnnxTensor = Decoded<typeof tensorType>

const attributeType = message({
  name: one(1, text),
  float: one(2, float),
  int: one(3, int64),
  string: one(4, bytes),
  /** A {@link tensorType}, encoded. */
  tensor: one(5, bytes),
  /** A {@link graphType}, encoded. */
  graph: one(6, bytes),
  ints: many(8, int64),
  graphs: many(11, bytes),
  /** AttributeProto.AttributeType: 1 float, 2 int, 3 string, 4 tensor, 5 graph, 7 ints. */
  type: one(20, int32),
})
export type OnnxAttribute = Decoded<typeof attributeType>

const nodeType = message({
  inputs: many(1, text),
  outputs: many(2, text),
  name: one(3, text),
  operator: one(4, text),
  attributes: many(5, attributeType),
  domain: one(7, text),
})
export type OnnxNode = Decoded<typeof nodeType>

export const graphType = message({
  nodes: many(1, nodeType),
  name: one(2, text),
  initializers: many(5, tensorType),
  inputs: many(11, valueInfoType),
  outputs: many(12, valueInfoType),
  valueInfos: many(13, valueInfoType),
})
export type OnnxGraph = Decoded<typeof graphType>

const operatorSetType = message({ domain: one(1, text), version: one(2, int64) })

export const modelType = message({
  irVersion: one(1, int64),
  producer: one(2, text),
  graph: one(7, graphType),
  operatorSets: many(8, operatorSetType),
  /** Functions local to the model, encoded: none of the exporters that we know writes them. */
  functions: many(25, bytes),
})
export type OnnxModel = Decoded<typeof modelType>
