/** What people ask, written down by hand. */
export const TRAFFIC: readonly string[] = [
  ...['What is a relay?', 'Tell me a story about a cat.', 'Is anybody there?', 'Hello?', 'What is 2 plus 3?'],
  ...[
    'Write a poem about autumn leaves',
    'how do i center a div',
    'Summarize the plot of Hamlet in three sentences.',
  ],
  ...['Give me 5 dinner ideas without meat', 'What is the capital of Australia?', 'why is my wifi so slow'],
  ...['Write a python script that renames all files in a folder', 'Translate "good morning" to Japanese.'],
  ...['Can you help me write a message to my landlord? The heating has been broken for a week.'],
  ...[
    'What are the symptoms of the flu?',
    'explain quantum computing like I am five',
    'hi',
    'Who won the war of 1812?',
  ],
  ...['Write a short bedtime story about a brave snail who wants to see the ocean.', 'convert 5 feet to cm'],
  ...[
    'I have an interview on Monday for a job as a nurse. What questions should I expect?',
    'is coffee bad for you',
  ],
  ...['Fix this sentence: Me and him goes to school yesterday.', 'Best way to learn guitar at 40?', 'thanks'],
  ...[
    'My code says TypeError: cannot read properties of undefined. What does it mean?',
    'Make a packing list for Iceland',
  ],
  ...['Where should I go on holiday in May?', 'Name three rivers in France', 'rhymes with orange'],
  ...['Describe a sunset without using colours.', 'What should I cook with eggs, rice and spinach?'],
  ...['Should I rent or buy a flat?', 'Continue the story: The lights went out and', 'Tell me a joke'],
  ...[
    'Please write a thank you note to my colleague Anna who is leaving after ten years.',
    'When is the next eclipse?',
  ],
  ...['I feel stressed about exams', 'Does a tomato count as a fruit?', 'How many ounces are in a pound?'],
  ...[
    'Write a haiku about my keyboard.',
    'List the planets in order',
    'do fish sleep',
    'Plan a birthday party for twins',
  ],
]
