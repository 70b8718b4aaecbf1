/** What people ask about. Ordinary things, so that a question about them says nothing of who asks. */
export const CREATURES = [
  ...['a fox', 'an old dog', 'a lost cat', 'two brothers', 'a shy dragon', 'a lighthouse keeper', 'a robot'],
  ...['a clockmaker', 'a girl named Mara', 'a boy called Theo', 'my grandmother', 'a tired nurse', 'a whale'],
  ...['a young wizard', 'a detective', 'a ship’s cook', 'a crow', 'a beekeeper', 'an astronaut', 'a postman'],
  ...[
    'a violin teacher',
    'three mice',
    'a hedgehog',
    'a night guard',
    'a painter',
    'the last tree',
    'a taxi driver',
  ],
] as const

export const THINGS = [
  ...[
    'a lantern',
    'a broken watch',
    'a red umbrella',
    'a letter without a name',
    'a key',
    'an empty suitcase',
  ],
  ...[
    'a map of the sea',
    'a paper boat',
    'a radio that talks back',
    'a jar of honey',
    'a mirror',
    'a blue bicycle',
  ],
  ...[
    'an old camera',
    'a piano with one wrong note',
    'a seed',
    'a birthday cake',
    'a lost glove',
    'a compass',
  ],
  ...[
    'a telescope',
    'a bag of coins',
    'a photograph',
    'a train ticket',
    'a violin',
    'a puzzle with a missing piece',
  ],
] as const

export const PLACES = [
  ...[
    'on a small island',
    'in a city without cars',
    'at the end of winter',
    'in the mountains',
    'on a night train',
  ],
  ...[
    'in a library',
    'by the harbour',
    'in space',
    'in the desert',
    'under the sea',
    'in a village in Portugal',
  ],
  ...[
    'at a bus stop',
    'in a castle',
    'during a storm',
    'on the moon',
    'in an old theatre',
    'in Kyoto',
    'on a farm',
  ],
  ...[
    'in a hospital at night',
    'in the year 2150',
    'in a quiet suburb',
    'on a ferry',
    'in a snowed in airport',
  ],
] as const

export const TOPICS = [
  ...[
    'inflation',
    'photosynthesis',
    'black holes',
    'the French Revolution',
    'how vaccines work',
    'sourdough bread',
  ],
  ...[
    'compound interest',
    'plate tectonics',
    'the water cycle',
    'why cats purr',
    'how a fridge works',
    'jazz',
  ],
  ...[
    'object oriented programming',
    'the Roman Empire',
    'climate change',
    'how batteries age',
    'sleep',
    'chess',
  ],
  ...[
    'public key cryptography',
    'why the sea is salty',
    'the offside rule',
    'DNA',
    'how planes fly',
    'stoicism',
  ],
  ...[
    'supply and demand',
    'the moon landing',
    'how bees find flowers',
    'recursion',
    'migraines',
    'black tea',
  ],
  ...[
    'blood pressure',
    'the Silk Road',
    'how GPS works',
    'tides',
    'type systems',
    'fermentation',
    'earthquakes',
  ],
  ...['neural networks', 'mortgages', 'the industrial revolution', 'vitamin D', 'the stock market', 'haiku'],
  ...[
    'antibiotics',
    'how a bill becomes law',
    'the northern lights',
    'credit scores',
    'Ada Lovelace',
    'volcanoes',
  ],
] as const

export const TASKS = [
  ...[
    'learn to swim',
    'cook rice',
    'fix a flat tyre',
    'write a cover letter',
    'sleep better',
    'get a stain out of wool',
  ],
  ...[
    'start running',
    'learn Spanish',
    'save money',
    'prepare for a job interview',
    'grow tomatoes on a balcony',
  ],
  ...[
    'train a puppy',
    'clean a keyboard',
    'apologise to a friend',
    'plan a trip to Norway',
    'sharpen a knife',
  ],
  ...[
    'ask for a raise',
    'stop procrastinating',
    'paint a wall',
    'learn to whistle',
    'back up my photos',
    'make pasta',
  ],
  ...[
    'remember names',
    'take better pictures',
    'write a speech for a wedding',
    'move to another city',
    'knit a scarf',
  ],
  ...[
    'choose a laptop',
    'descale a kettle',
    'read more books',
    'set up a home network',
    'deal with a noisy neighbour',
  ],
] as const

export const LISTED = [
  ...[
    'names for a coffee shop',
    'ideas for a rainy day',
    'things to see in Lisbon',
    'birthday gifts for a teacher',
  ],
  ...[
    'healthy snacks',
    'questions for a first date',
    'films like Alien',
    'words that rhyme with light',
    'small hobbies',
  ],
  ...[
    'titles for a blog about gardening',
    'arguments for a four day week',
    'games for a car ride',
    'German verbs',
  ],
  ...[
    'vegetarian dinners',
    'team names',
    'book ideas',
    'reasons to visit Scotland',
    'easy magic tricks',
    'yoga poses',
  ],
  ...[
    'excuses for being late',
    'things to pack for camping',
    'science projects for kids',
    'synonyms for happy',
  ],
  ...[
    'icebreakers for a meeting',
    'chores for a six year old',
    'names for a grey cat',
    'side projects in Rust',
  ],
] as const

export const LANGUAGES = [
  ...[
    'Python',
    'python',
    'JavaScript',
    'TypeScript',
    'Rust',
    'Go',
    'C',
    'C++',
    'Java',
    'bash',
    'SQL',
    'Kotlin',
  ],
  ...['C#', 'Ruby', 'Haskell', 'Swift', 'PHP', 'R'],
] as const

export const FUNCTIONS = [
  ...[
    'reverses a string',
    'checks if a number is prime',
    'merges two sorted lists',
    'counts the words in a file',
  ],
  ...[
    'finds the longest common prefix',
    'parses a CSV line',
    'rotates a matrix',
    'validates an email address',
  ],
  ...[
    'computes the nth Fibonacci number',
    'debounces a callback',
    'removes duplicates from a list',
    'sorts by two keys',
  ],
  ...[
    'converts Celsius to Fahrenheit',
    'checks balanced brackets',
    'flattens a nested list',
    'renames files by date',
  ],
  ...[
    'downloads a page and prints its title',
    'finds the median',
    'groups rows by month',
    'turns a number into words',
  ],
  ...[
    'shuffles a deck of cards',
    'retries a request three times',
    'reads JSON from stdin',
    'finds all anagrams',
  ],
] as const

export const BUGS = [
  ...[
    'an index out of range',
    'a null pointer',
    'a deadlock',
    'undefined is not a function',
    'a memory leak',
  ],
  ...[
    'an off by one error',
    'a segfault',
    'a CORS error',
    'a merge conflict',
    'a borrow checker error',
    'a timeout',
  ],
] as const

export const OPENINGS = [
  ...['The door had been locked for forty years when', 'Nobody in the village talked about the well, but'],
  ...[
    'It was the third time that week that the phone rang at',
    'She had two rules:',
    'The rain stopped, and',
  ],
  ...[
    'Once upon a time there was',
    'The last bus had already left, so',
    'In the beginning, the machine only',
  ],
  ...['My father used to say that', 'The recipe called for three eggs and', 'He opened the letter and read:'],
  ...['On the morning of the eclipse', 'There are two kinds of people:', 'The captain looked at the map and'],
  ...[
    'Dear Sir or Madam, I am writing because',
    'Roses are red, violets are blue,',
    'The cat knew before anyone else that',
  ],
  ...[
    'We agreed never to speak of it, yet',
    'At first the snow was beautiful. Then',
    'The best thing about Mondays is',
  ],
] as const

export const PASSAGES = [
  'The meeting on Thursday was moved to Friday because the room was taken. Please bring the figures for March, and tell Ana that the printer on the second floor works again.',
  'Bees tell each other where flowers are by dancing. The angle of the dance shows the direction from the sun, and its length shows how far away the flowers are.',
  'I ordered a lamp three weeks ago and it still has not arrived. I wrote to you twice and nobody answered. I would like my money back or the lamp by next week.',
  'The river begins in the hills as a stream that a child could jump over. By the time it reaches the city, it is wide enough for ships, and people have fought over it for a thousand years.',
  'We went to the market early. There were peaches, and a man who sold knives, and rain that came so fast that everyone ran under the same roof and laughed.',
  'Our app lets people share tools with their neighbours. You say what you have, you see what others lend, and you meet at the door. No money changes hands.',
  'The study followed 400 adults for two years. Those who walked for half an hour each day slept longer, but the difference in weight was small and may have been chance.',
  'Turn left after the church and go on until you see a yellow house. The key is under the third pot. Do not feed the cat, whatever she says.',
  'Steam engines were first used to pump water out of mines. Only later did somebody put one on wheels, and for some years people were not sure whether it was safe to look at it go by.',
  'Hi team, quick update. The login page is done, the tests pass, and the database move is planned for Sunday night. Expect ten minutes without service. Tell me if that is a problem.',
  'To make the soup, fry two onions slowly, add a litre of stock and the beans, and let it simmer for an hour. Salt at the end. It is better the next day.',
  'The painting shows a woman reading at a window. For a long time it was thought to be by a student, until the layers under it were photographed with X-rays in 2017.',
] as const

export const STYLES = [
  ...['in simple words', 'in two sentences', 'for a child', 'like a pirate', 'in a formal tone', 'as a poem'],
  ...['in one paragraph', 'with an example', 'step by step', 'without jargon', 'in the style of a newspaper'],
  ...['briefly', 'as a table', 'for my boss', 'as if I were five', 'in a friendly way', 'in about 100 words'],
] as const

export const FOLLOW_UPS = [
  ...[
    'Can you make it shorter?',
    'why?',
    'Give me an example.',
    'And then?',
    'Explain the second point.',
    'go on',
  ],
  ...[
    'Are you sure?',
    'Now in one sentence',
    'Thanks! What about children?',
    'make it funnier',
    'What would you change?',
  ],
  ...[
    'Could you say that in simpler words',
    'ok and how much does it cost',
    'Write it as a list.',
    'What happens next?',
  ],
  ...[
    'I do not understand the last part',
    'Another one please',
    'Is that always true?',
    'more detail',
    'In German please',
  ],
  ...[
    'Can you add a title',
    'Why is that important?',
    'what if it rains',
    'Compare both.',
    'Turn this into an email.',
  ],
  ...[
    'And the opposite?',
    'Say it in the past tense',
    'who invented it',
    'Where can I read more about this?',
    'shorter',
  ],
] as const

export const SYSTEMS = [
  ...['You are a helpful assistant.', 'Answer briefly.', 'You are a patient teacher.', 'Be kind.'],
  ...['Answer in plain English.', 'You are a code reviewer. Be strict.', 'You write like a friend.'],
] as const
