"""Writes the training chats of the demo model: short stories, sums and questions about the network.

Every line is generated here from word lists of our own, so the weights carry no licence but the project's.
Level 0 is for the first minutes of training: sums, copying and the first two sentences of stories. Level 1 is the whole corpus;
level 2 is the same in longer chats.
"""
import random, re

NAMES = "Mia Leo Ada Tom Nia Sam Ivy Max Zoe Ben Lua Kai Eva Finn Ruby Otto".split()
ANIMALS = "fox owl rabbit bear mouse otter hedgehog cat dog duck turtle frog deer squirrel badger swan".split()
OBJECTS = "lantern kite drum map key boat bell scarf mirror clock book feather stone cup telescope whistle".split()
# Subjects that stories may also have. They are apart from the lists above because evaluate.py draws its prompts from those.
MORE_ANIMALS = "lion wolf horse cow pig sheep goat hen penguin whale dragon robot elephant monkey tiger bee snail fish bird crab".split()
MORE_OBJECTS = "ball hat book box lamp basket coin ring ladder apple cake wheel camera letter shell candle blanket spoon flag guitar".split()
# Rare subjects, which the tokenizer takes in pieces: they and made-up words teach copying of any word.
RARE_ANIMALS = ("camel panda koala kangaroo hippo rhino giraffe eagle parrot pigeon sparrow raven crow goose turkey rooster donkey pony lamb calf puppy kitten "
                "beetle spider butterfly moth ladybird dolphin shark seal walrus octopus salmon lizard snake crocodile dinosaur bat mole hare weasel "
                "moose bison buffalo gorilla sloth llama wizard pirate princess knight giant ghost fairy boy girl teacher farmer baker sailor").split()
RARE_OBJECTS = ("pencil table chair window door hammer rope bucket bottle plate knife fork bread cheese pear plum cherry pumpkin potato flower rose leaf "
                "shoe boot glove coat button needle thread ribbon balloon puzzle robot train bicycle rocket car boat ship sword shield crown treasure chest "
                "magnet compass radio computer piano trumpet flute harp picture painting sandwich cookie pie umbrella tent snowball star wand").split()
PLACES = "forest,river,hill,village,beach,garden,mountain,meadow,island,old mill,harbour,library".split(",")
WHERE = {"river": "by", "hill": "on", "beach": "on", "mountain": "on", "meadow": "in", "island": "on", "old mill": "at", "harbour": "at", "library": "at"}
TRAITS = "brave,kind,curious,shy,clever,gentle,cheerful,patient,quiet,honest".split(",")
WEATHER = ["One sunny morning", "One windy day", "One rainy afternoon", "One cold evening", "Early one morning", "One starry night"]
TROUBLE = [
    ("the {o} fell into a deep ditch by the {p2}", "pulled the {o} out with a long branch"),
    ("a strong wind blew the {o} away", "followed it all the way to the {p2} and caught it"),
    ("the {o} would not work at all", "cleaned it with care until it worked again"),
    ("somebody had lost the {o}", "looked behind every tree until they found it"),
    ("the path to the {p2} was blocked by a fallen tree", "climbed over it together, one step at a time"),
    ("it grew too dark to see", "held the {o} high and walked slowly home"),
]
MORALS = ["From that day on they were the best of friends.", "They laughed and shared some warm bread.",
          "And that night everybody slept well.", "It is easier to be {t} when a friend is near.",
          "After that, nobody {w} the {p} was ever lonely again.", "They promised to come back the next day."]
ASK_STORY = ["Tell me a story about a {a} and a {o}.", "Write a short story about a {a} and a {o}.",
             "Can you tell a story about a {a} with a {o}?", "A story about a {a} and a {o}, please.",
             "tell me a story about a {a} and a {o}", "Please write me a tale about a {a} and a {o}."]
ASK_STORY_A = ["Tell me a story about a {a}.", "Write a story about a {a}.", "Story about a {a}", "tell me a story about a {a}"]
ASK_STORY_0 = ["Tell me a story.", "Write a short story.", "tell me a story", "Once upon a time", "Can you tell me a story?"]

FACTS = [
    (["What is Infernet?", "what is infernet", "Tell me about Infernet.", "Explain Infernet to me."],
     ["Infernet is a network of browser tabs that share their graphics cards to run AI models.",
      "Infernet is a peer to peer network. Each open tab can lend its graphics card to run AI models for others."]),
    (["What is a provider?", "Who is a provider?", "What does a provider do?"],
     ["A provider is a browser tab that runs models on its own graphics card and is paid for each token."]),
    (["What is a consumer?", "What does a consumer do?"],
     ["A consumer sends prompts to the network and pays providers for the tokens they produce."]),
    (["What is a relay?", "What does a relay do?", "What is a relay node?"],
     ["A relay helps two browser tabs find each other. After that they talk directly, and the relay sees none of their words."]),
    (["What is staking?", "What is a stake?", "Why do providers stake?"],
     ["A stake is a deposit of tokens. A provider that cheats loses part of its stake."]),
    (["What is slashing?", "What happens to a cheater?", "What if a provider cheats?"],
     ["A provider that is proved to cheat is slashed. It loses part of its stake, and others are warned."]),
    (["What is a voucher?", "How do payments work?", "How are providers paid?"],
     ["The consumer signs a voucher for every few tokens. The provider keeps the last one and cashes it on the chain."]),
    (["How are results checked?", "How do you verify a result?", "What is verification?"],
     ["Some jobs are picked at random and run again by another provider. If the numbers do not agree, the first one is in trouble."]),
    (["What is WebGPU?", "what is webgpu"],
     ["WebGPU lets a web page use the graphics card for fast maths. Infernet runs its models with it."]),
    (["What is reputation?", "How does reputation work?"],
     ["Reputation grows with every good job and fades with time. Providers with a good reputation get more work."]),
    (["How are prices set?", "What is the price?", "How does pricing work?"],
     ["Prices follow demand. When many providers are idle the price falls, and when the network is busy it rises."]),
    (["What is a token?", "What is a model?"],
     ["A model reads a text as small pieces called tokens, and writes its answer one token at a time."]),
    (["Who are you?", "What are you?", "What is your name?", "who are you"],
     ["I am Infernet Tiny, a very small language model. I know short stories, small sums and a few facts about this network."]),
    (["What can you do?", "Help", "help", "What do you know?"],
     ["I can tell short stories, add small numbers and answer questions about Infernet. Pick a larger model for anything else."]),
    (["Is my prompt private?", "Who can read my prompt?", "Is this private?"],
     ["Only the provider that you pick can read your prompt. The relays pass on nothing but sealed bytes."]),
    (["What is governance?", "Who decides?", "Who runs Infernet?"],
     ["Nobody owns Infernet. Holders of the token vote on its rules."]),
    (["Hello", "Hi", "hello", "hi there", "Hello!", "Good morning"],
     ["Hello! Ask me for a story, a small sum or a fact about Infernet.", "Hi! What would you like to hear?"]),
    (["Thank you", "Thanks", "thanks!", "Thank you!"], ["You are welcome!", "My pleasure!"]),
    (["How are you?", "how are you"], ["I am well, thank you. How can I help?"]),
    (["Goodbye", "Bye", "bye"], ["Goodbye! Keep a tab open for the network."]),
]
SOUNDS = dict(cow="moo", dog="woof", cat="meow", duck="quack", sheep="baa", owl="hoot", frog="croak", mouse="squeak", horse="neigh", pig="oink")
COLOURS = dict(sky="blue", grass="green", snow="white", coal="black", sun="yellow", blood="red", carrot="orange", sea="blue", chocolate="brown", leaf="green")


def fix(text):
    text = re.sub(r"\b([Aa]) (?=[aeiou]|honest)", r"\1n ", text)
    return text[0].upper() + text[1:] if text else text


def made_up(r):
    return "".join(r.choice("b c d f g h j k l m n p r s t v w z br ch cl dr fl gr pl sh sk st th tr".split()) + r.choice("aaaeeeiiooouu")
                   for _ in range(2)) + r.choice(["", "n", "r", "l", "bo", "la"])


def subject(r, words, more, rare):
    y = r.random()
    return r.choice(words if y < .5 else more if y < .65 else rare) if y < .82 else made_up(r)


def animal(r):
    return subject(r, ANIMALS, MORE_ANIMALS, RARE_ANIMALS)


def thing(r):
    return subject(r, OBJECTS, MORE_OBJECTS, RARE_OBJECTS)


def story(r, a=None, o=None, short=False):
    a, o = a or r.choice(ANIMALS), o or r.choice(OBJECTS)
    # Hero and friend, home and goal come from different halves, so that a greedy choice never makes the two the same.
    n, f = r.choice(NAMES[::2]), r.choice(NAMES[1::2])
    p, p2 = r.choice(PLACES[:6]), r.choice(PLACES[6:])
    t, w = r.choice(TRAITS), WHERE.get(p, "in")
    b = r.choice([x for x in ANIMALS + MORE_ANIMALS if x != a])
    trouble, fixit = r.choice(TROUBLE)
    s = [f"Once upon a time there was a {t} {a} named {n} who lived near the {p}." if r.random() < .7 else f"{w} the {p} there lived a {t} {a} called {n}.",
         r.choice([f"{n} had a little {o} and took it everywhere.", f"More than anything, {n} loved an old {o}.", f"{n} once found a {o} under a tree."]),
         f"{r.choice(WEATHER)}, {n} went to the {p2} and met a {b} named {f}.",
         r.choice([f"But then {trouble}.", f"Suddenly {trouble}.", f"Just then {trouble}."]),
         r.choice([f'"Do not worry," said {f}. "We can do this together."', f'"Oh no!" said {n}. "What shall we do?"', f'"Let me help you," said {f}.']),
         f"So {n} and {f} {fixit}.",
         r.choice(MORALS)]
    return fix(" ".join(s[:2] if short else s).format(a=a, o=o, p=p, p2=p2, t=t, w=w))


def repeat(r):
    """A copying exercise: what stories need to stay with their subject."""
    words = r.sample(ANIMALS + OBJECTS + NAMES + MORE_ANIMALS + MORE_OBJECTS + TRAITS + [made_up(r) for _ in range(40)], r.randint(1, 4))
    text = " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    return r.choice(["Say {}.", "Repeat: {}", "Please repeat {}."]).format(text), text + "."


def ask_story(r, short):
    a, o = animal(r), thing(r)
    y = r.random()
    if y < .7:
        q = r.choice(ASK_STORY).format(a=a, o=o)
    elif y < .9:
        q, o = r.choice(ASK_STORY_A).format(a=a), None
    else:
        q, a, o = r.choice(ASK_STORY_0), None, None
    return fix(q) if a and q[0].isupper() else fix(" " + q)[1:], story(r, a, o, short)


def sum_(r):
    if r.random() < .65:
        a, b = r.randint(0, 20), r.randint(0, 20)
        q = r.choice(["What is {a} plus {b}?", "What is {a} plus {b}?", "what is {a} + {b}?", "What is {a} + {b}?", "{a} + {b}", "{a}+{b}", "{a} + {b} =", "Add {a} and {b}.", "How much is {a} plus {b}?"])
        return q.format(a=a, b=b), f"{a} plus {b} is {a + b}."
    a = r.randint(0, 20)
    b = r.randint(0, a)
    q = r.choice(["What is {a} minus {b}?", "What is {a} minus {b}?", "what is {a} - {b}?", "What is {a} - {b}?", "{a} - {b}", "{a}-{b}", "Take {b} from {a}.", "How much is {a} minus {b}?"])
    return q.format(a=a, b=b), f"{a} minus {b} is {a - b}."


def fact(r):
    q, ans = r.choice(FACTS)
    return r.choice(q), r.choice(ans)


def sound(r):
    a, s = r.choice(list(SOUNDS.items()))
    return fix(r.choice([f"What sound does a {a} make?", f"What does the {a} say?", f"What does a {a} say?"])), f"The {a} says {s}."


def colour(r):
    k, c = r.choice(list(COLOURS.items()))
    return r.choice([f"What colour is {k}?", f"What color is {k}?", f"Which colour is {k}?", f"What colour is the {k}?"]), f"The colour of {k} is {c}."


#        repeat, story, fact, sum, sound, colour
SHARES = [(.15, .45, .05, .30, .03, .02), (.10, .42, .14, .26, .04, .04)]


def chat(r, level=1):
    kind = r.choices(range(6), SHARES[level])[0]
    q, a = [repeat, lambda r: ask_story(r, level == 0), fact, sum_, sound, colour][kind](r)
    y = r.random()  # people do not type with care
    if kind and y < .1:
        q = q.lower()
    elif kind and y < .2:
        q = q.rstrip(".?!") or q
    return q, a


def conversation(r, level=1):
    """One to three turns, at level 2 up to eight, as a list of (user, assistant)."""
    return [chat(r, min(level, 1)) for _ in range(r.choices(range(1, 9), [.7, .2, .1, 0, 0, 0, 0, 0] if level < 2 else [.3, .2, .1, .1, .1, .1, .05, .05])[0])]


if __name__ == "__main__":
    r = random.Random(0)
    for _ in range(12):
        for u, a in conversation(r):
            print("U:", u, "\nA:", a)
        print()
