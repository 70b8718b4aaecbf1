import {
  BUGS,
  CREATURES,
  FOLLOW_UPS,
  FUNCTIONS,
  LANGUAGES,
  LISTED,
  OPENINGS,
  PASSAGES,
  PLACES,
  STYLES,
  TASKS,
  THINGS,
  TOPICS,
} from './words.ts'
import type { SeededChoice } from './seeded-choice.ts'

export const CORPUS_KINDS = [
  'question',
  'story',
  'code',
  'list',
  'continuation',
  'rewrite',
  'sum',
  'small-talk',
] as const
export type CorpusKind = (typeof CORPUS_KINDS)[number]

/** How often each is asked for, about as chats do: of a hundred. */
const SHARES: Readonly<Record<CorpusKind, number>> = {
  ...{ question: 34, story: 18, code: 12, list: 12, continuation: 6, rewrite: 8, sum: 6, 'small-talk': 4 },
}

const WRITERS: Readonly<Record<CorpusKind, (choice: SeededChoice) => string>> = {
  question: writeQuestion,
  story: writeStory,
  code: writeCode,
  list: writeList,
  continuation: writeContinuation,
  rewrite: writeRewrite,
  sum: writeSum,
  'small-talk': writeSmallTalk,
}

export function pickKind(choice: SeededChoice): CorpusKind {
  let left = choice.below(100)
  for (const kind of CORPUS_KINDS) {
    left -= SHARES[kind]
    if (left < 0) return kind
  }
  return 'question'
}

/** What a person would type first, before their own habits. */
export function writeFirst(kind: CorpusKind, choice: SeededChoice): string {
  return WRITERS[kind](choice)
}

/** What a person would type after an answer of that kind. */
export function writeFollowUp(choice: SeededChoice): string {
  if (choice.chance(0.75)) return choice.pick(FOLLOW_UPS)
  return choice.pick([
    `What about ${choice.pick(TOPICS)}?`,
    `Now ${choice.pick(STYLES)}.`,
    `And how would I ${choice.pick(TASKS)}?`,
    `Put ${choice.pick(THINGS)} into it.`,
  ])
}

function writeQuestion(choice: SeededChoice): string {
  const topic = choice.pick(TOPICS)
  const task = choice.pick(TASKS)
  const plain = choice.pick([
    `What is ${topic}?`,
    `Can you explain ${topic} ${choice.pick(STYLES)}?`,
    `Explain ${topic} ${choice.pick(STYLES)}.`,
    `How do I ${task}?`,
    `How long does it take to ${task}?`,
    `What is the best way to ${task}?`,
    `Why is ${topic} important?`,
    `What is the difference between ${topic} and ${choice.pick(TOPICS)}?`,
    `Tell me about ${topic}.`,
    `Is it hard to ${task}?`,
    `Who should know about ${topic}?`,
    `What should I know before I ${task}?`,
    `When did people first learn about ${topic}?`,
    `Does ${topic} matter in daily life?`,
    `Should I ${task} or ${choice.pick(TASKS)} first?`,
    `Which book about ${topic} would you read first?`,
    `Where do I begin if I want to ${task}?`,
    `What does ${topic} have to do with ${choice.pick(TOPICS)}?`,
    `Help me ${task}.`,
    `I want to ${task}. Where do I start?`,
  ])
  if (choice.chance(0.3))
    return choice.pick([
      topic,
      `${topic}?`,
      `define ${topic}`,
      `what is ${topic}`,
      `how to ${task}`,
      `${topic} ${choice.pick(STYLES)}`,
      `why ${topic}?`,
      `tips to ${task}`,
      `is it hard to ${task}`,
      `facts about ${topic}`,
    ])
  if (choice.chance(0.85)) return plain
  return choice.pick([
    `I tried to ${choice.pick(TASKS)} last year and gave up after ${2 + choice.below(9)} weeks. ${plain}`,
    `${plain} I have ${1 + choice.below(5)} hours a week and not much money.`,
    `My ${choice.pick(['daughter', 'boss', 'neighbour', 'teacher', 'friend', 'son'])} asked me this and I had no answer: ${plain}`,
    `${plain} Please answer ${choice.pick(STYLES)}.`,
  ])
}

function writeStory(choice: SeededChoice): string {
  const who = choice.pick(CREATURES)
  const what = choice.pick(THINGS)
  const where = choice.pick(PLACES)
  return choice.pick([
    `Tell me a story about ${who} and ${what}.`,
    `Write a short story about ${who} ${where}.`,
    `Write a story in which ${who} finds ${what} ${where}.`,
    `Tell me a bedtime story about ${who}.`,
    `Write a poem about ${what}.`,
    `A story about ${who} and ${what} ${where}, ${choice.pick(STYLES)}.`,
    `Make up a legend about ${what} ${where}.`,
    `Write four lines about ${who} ${where}.`,
    `What would happen if ${who} met ${choice.pick(CREATURES)} ${where}?`,
    `Write the first page of a novel. It begins ${where}, and ${who} has ${what}.`,
    `I need a dialogue between ${who} and ${choice.pick(CREATURES)} about ${what}. They are ${where} and do not like each other.`,
    `Can you tell my kids a story? They like ${choice.pick(CREATURES)}, ${what} and ${choice.pick(TOPICS)}. Not too scary.`,
    `Give me a joke about ${who}.`,
    `story about ${who}`,
    `Tell me about ${who}.`,
    `a poem about ${what}`,
    `Describe ${what}.`,
    `Write a haiku about ${what}.`,
  ])
}

function writeCode(choice: SeededChoice): string {
  const language = choice.pick(LANGUAGES)
  const does = choice.pick(FUNCTIONS)
  const numbers = Array.from({ length: 3 + choice.below(5) }, () => choice.below(100)).join(', ')
  return choice.pick([
    `Write a function in ${language} that ${does}.`,
    `How do I write something that ${does} in ${language}?`,
    `${language} function that ${does}, with tests`,
    `I get ${choice.pick(BUGS)} in my ${language} program. How do I find the cause?`,
    `Explain ${choice.pick(BUGS)} to a beginner.`,
    `What does this do?\n\nconst xs = [${numbers}]\nconsole.log(xs.filter((x) => x % ${2 + choice.below(5)} === 0).length)`,
    `Is there a bug here?\n\ndef mean(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total / ${choice.pick(['len(xs)', 'len(xs) - 1', '0'])}\n\nprint(mean([${numbers}]))`,
    `Translate this to ${language}:\n\nfor i in range(${1 + choice.below(20)}):\n    print(i * ${2 + choice.below(9)})`,
    `Should I use ${language} or ${choice.pick(LANGUAGES)} for a program that ${does}?`,
    `Give me a regex for ${choice.pick(['a date', 'a phone number', 'an IPv4 address', 'a hex colour', 'a word that ends in ing'])} in ${language}`,
  ])
}

function writeList(choice: SeededChoice): string {
  const what = choice.pick(LISTED)
  const count = 3 + choice.below(10)
  return choice.pick([
    `Give me ${count} ${what}.`,
    `List ${what}.`,
    `I need ${what}`,
    what,
    `${count} ${what}`,
    `Name ${count} ${what}`,
    `Some ${what} please`,
    `${count} ${what}, ${choice.pick(STYLES)}`,
    `Make a list of ${what} and say why for each.`,
    `What are good ${what}?`,
    `Can you suggest ${what}?`,
    `Plan a weekend ${choice.pick(PLACES)} for ${2 + choice.below(5)} people.`,
    `Write a shopping list for ${1 + choice.below(6)} people who want to ${choice.pick(TASKS)}.`,
  ])
}

function writeContinuation(choice: SeededChoice): string {
  const opening = choice.pick(OPENINGS)
  return choice.pick([
    opening,
    `Continue: ${opening}`,
    `Finish this sentence: ${opening} ...`,
    `${opening} ${choice.pick(CREATURES)} ${choice.pick(PLACES)}`,
    `Continue this story in your own words.\n\n${opening} ${choice.pick(CREATURES)} had ${choice.pick(THINGS)} ${choice.pick(PLACES)}.`,
  ])
}

function writeRewrite(choice: SeededChoice): string {
  const count = choice.pick([1, 1, 1, 2, 3])
  const passage = choice.some(PASSAGES, count).join(choice.pick([' ', '\n\n']))
  const order = choice.pick([
    `Summarise this ${choice.pick(STYLES)}:`,
    'Fix the grammar:',
    `Rewrite this ${choice.pick(STYLES)}.`,
    `Translate to ${choice.pick(['French', 'German', 'Spanish', 'Italian', 'Dutch', 'Polish'])}:`,
    'What is the main point of this text?',
    'Make this more polite:',
    `Write a reply to this ${choice.pick(STYLES)}:`,
    'tldr',
    'Find three mistakes in this:',
    `Does this text say anything about ${choice.pick(TOPICS)}?`,
  ])
  return choice.chance(0.7) ? `${order}\n\n${passage}` : `${passage}\n\n${order}`
}

function writeSum(choice: SeededChoice): string {
  const a = choice.below(choice.pick([10, 10, 100, 1000]))
  const b = 1 + choice.below(choice.pick([10, 10, 100]))
  return choice.pick([
    `What is ${a} plus ${b}?`,
    `What is ${a + b} minus ${b}?`,
    `${a} * ${b}`,
    `${a} + ${b} = ?`,
    `What is ${a} times ${b}?`,
    `If a ticket costs ${b} and I have ${a}, how many can I buy?`,
    `What is ${b} percent of ${a + 100}?`,
    `I had ${a + b} apples and gave ${b} to ${choice.pick(CREATURES)}. How many are left?`,
    `Convert ${a} miles to kilometres`,
    `Is ${a * 2 + 1} a prime number?`,
  ])
}

function writeSmallTalk(choice: SeededChoice): string {
  return choice.pick([
    choice.pick([
      'hi',
      'Hello',
      'hey there',
      'Good morning',
      'test',
      'Are you there?',
      'yo',
      'Hello, who are you?',
    ]),
    `How are you ${choice.pick(['today', 'this morning', 'tonight', 'doing'])}?`,
    `What do you think about ${choice.pick(TOPICS)}?`,
    `I am bored. I already tried to ${choice.pick(TASKS)}.`,
    `Do you like ${choice.pick(TOPICS)}?`,
    `I feel ${choice.pick(['sad', 'great', 'tired', 'nervous', 'lonely'])} because I have to ${choice.pick(TASKS)}.`,
    `What can you do? Can you help me ${choice.pick(TASKS)}?`,
  ])
}
