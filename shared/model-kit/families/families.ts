import type { Family } from './family.ts'
import {
  GEMMA_TEMPLATE,
  LLAMA_TEMPLATE,
  PHI3_TEMPLATE,
  PHI4_TEMPLATE,
  QWEN2_TEMPLATE,
  QWEN3_TEMPLATE,
  SMOLLM2_TEMPLATE,
} from './chat-templates.ts'
import { byteLevelTokenizer, spacedTokenizer } from './tokenizers.ts'

/** A family with all that lies beside its graph. */
export interface FamilyModel {
  readonly family: Family
  /** `optimum` is a plain export without GroupQueryAttention. */
  readonly exporter: 'genai' | 'optimum'
  /** config.json's `model_type`. */
  readonly modelType: string
  readonly tokenizer: ReturnType<typeof byteLevelTokenizer>
  readonly chatTemplate: string
  readonly bos: string | null
  /** Texts of the tokens that end an answer, the first the tokenizer's `eos_token`. */
  readonly eos: readonly string[]
}

const SMALL = {
  hidden: 64,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  inner: 96,
  layers: 2,
  vocab: 384,
  contextLength: 512,
  theta: 10_000,
  packed: true,
  tied: false,
} satisfies Omit<Family, 'id'>

/** How Llama 3 and Qwen cut text into words before BPE. */
const WORDS =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const IM = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']

export const FAMILIES: readonly FamilyModel[] = [
  {
    family: { ...SMALL, id: 'llama-3.2', theta: 500_000, tied: true },
    exporter: 'genai',
    modelType: 'llama',
    tokenizer: byteLevelTokenizer(
      {
        control: [
          '<|begin_of_text|>',
          '<|end_of_text|>',
          '<|start_header_id|>',
          '<|end_header_id|>',
          '<|eom_id|>',
          '<|eot_id|>',
        ],
      },
      WORDS,
    ),
    chatTemplate: LLAMA_TEMPLATE,
    bos: '<|begin_of_text|>',
    eos: ['<|eot_id|>', '<|end_of_text|>', '<|eom_id|>'],
  },
  {
    family: {
      ...SMALL,
      id: 'smollm2',
      heads: 3,
      kvHeads: 1,
      hidden: 96,
      headDim: 32,
      packed: false,
      rotaryNodes: true,
      tied: true,
    },
    exporter: 'genai',
    modelType: 'llama',
    tokenizer: byteLevelTokenizer({ control: IM }),
    chatTemplate: SMOLLM2_TEMPLATE,
    bos: '<|im_start|>',
    eos: ['<|im_end|>'],
  },
  {
    family: { ...SMALL, id: 'qwen2.5', theta: 1_000_000, qkvBias: true, tied: true, floatLogits: true },
    exporter: 'genai',
    modelType: 'qwen2',
    tokenizer: byteLevelTokenizer({ control: IM }, WORDS),
    chatTemplate: QWEN2_TEMPLATE,
    bos: null,
    eos: ['<|im_end|>', '<|endoftext|>'],
  },
  {
    family: { ...SMALL, id: 'qwen3', headDim: 32, theta: 1_000_000, packed: false, qkNorm: true, tied: true },
    exporter: 'genai',
    modelType: 'qwen3',
    tokenizer: byteLevelTokenizer({ control: IM, plain: ['<think>', '</think>'] }, WORDS),
    chatTemplate: QWEN3_TEMPLATE,
    bos: null,
    eos: ['<|im_end|>', '<|endoftext|>'],
  },
  {
    family: {
      ...SMALL,
      id: 'gemma-3',
      kvHeads: 1,
      headDim: 32,
      layers: 3,
      theta: 1_000_000,
      packed: false,
      qkNorm: true,
      gemma: true,
      window: { size: 8, every: 3, theta: 10_000 },
      logitCap: 30,
      tied: true,
    },
    exporter: 'genai',
    modelType: 'gemma3_text',
    tokenizer: spacedTokenizer({ control: ['<start_of_turn>', '<end_of_turn>'] }),
    chatTemplate: GEMMA_TEMPLATE,
    bos: '<bos>',
    eos: ['<eos>', '<end_of_turn>'],
  },
  {
    family: {
      ...SMALL,
      id: 'phi-3.5',
      kvHeads: 4,
      longRope: { below: 256, shortFactor: 1.1, longFactor: 4 },
      dataFiles: 2,
    },
    exporter: 'genai',
    modelType: 'phi3',
    tokenizer: spacedTokenizer({
      control: ['<|system|>', '<|user|>', '<|assistant|>', '<|end|>', '<|endoftext|>'],
    }),
    chatTemplate: PHI3_TEMPLATE,
    bos: '<bos>',
    eos: ['<|endoftext|>', '<|end|>', '<|assistant|>'],
  },
  {
    family: {
      ...SMALL,
      id: 'phi-4-mini',
      heads: 2,
      kvHeads: 1,
      headDim: 64,
      rotaryPart: 0.75,
      tied: true,
      floatLogits: true,
    },
    exporter: 'genai',
    modelType: 'phi3',
    tokenizer: byteLevelTokenizer(
      {
        control: [
          '<|endoftext|>',
          '<|end|>',
          '<|system|>',
          '<|user|>',
          '<|assistant|>',
          '<|tool|>',
          '<|/tool|>',
        ],
      },
      WORDS,
    ),
    chatTemplate: PHI4_TEMPLATE,
    bos: '<|endoftext|>',
    eos: ['<|endoftext|>', '<|end|>'],
  },
  {
    family: { ...SMALL, id: 'smollm2-optimum', packed: false },
    exporter: 'optimum',
    modelType: 'llama',
    tokenizer: byteLevelTokenizer({ control: IM }),
    chatTemplate: SMOLLM2_TEMPLATE,
    bos: '<|im_start|>',
    eos: ['<|im_end|>'],
  },
]
