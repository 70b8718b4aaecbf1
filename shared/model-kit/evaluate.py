"""Scores the demo model on what it was made for: sums, facts, and stories that keep to their subject (greedy).

usage: python3 evaluate.py DIR [--q4]     (a folder that train.py wrote, or the shipped one: then onnx/model.onnx is read)
--q4 rounds the matrices as build_model.py does for onnx/model_q4.onnx. The first three scores are the aim; "more" are further
ones: subtraction, all the sums, stories about an animal alone,
in the second and the sixth turn of a chat, with no more than two names, about words that training never saw; sounds and colours.
"""
import json, os, random, sys

from train import Model, load_tokenizer, load_weights, prompt_ids, replies, reply  # first: it sets OpenBLAS up
import numpy as np
import torch

from corpus import ANIMALS, ASK_STORY, ASK_STORY_A, COLOURS, FACTS, NAMES, OBJECTS, SOUNDS, chat, fix

# Words that the corpus does not hold.
UNSEEN_ANIMALS = "zebra alligator hamster lobster peacock ostrich witch policeman tortoise leopard".split()
UNSEEN_OBJECTS = "violin ladle pillow diamond spade lollipop marble torch saddle kettle".split()


def to_q4(model, block=32):
    """The weights as 4 bits keep them. The embedding stays; the head, which is tied to it, is rounded."""
    from build_model import quant4
    for name, p in model.named_parameters():
        if p.dim() > 1:
            q, s = quant4(p.detach().numpy(), block)
            v = np.stack([q & 15, q >> 4], -1).reshape(p.shape[0], -1, block).astype(np.float32) - 8
            v = torch.from_numpy((v * s[..., None]).reshape(p.shape))
            if "embed" in name:
                model.head = v
            else:
                p.data = v


def load(folder):
    bpe, special = load_tokenizer(folder)
    model = Model(json.load(open(os.path.join(folder, "config.json"))))
    model.load_state_dict(load_weights(folder))
    return model.eval(), bpe, special


def scores(model, bpe, special, more=False):
    ask = lambda questions, n: replies(model, bpe, special, [prompt_ids(bpe, special, q) for q in questions], n)
    r = random.Random(99)
    pairs = [(r.randint(0, 20), r.randint(0, 20)) for _ in range(60)]
    sums = sum(t == f"{a} plus {b} is {a + b}." for (a, b), t in zip(pairs, ask([f"What is {a} plus {b}?" for a, b in pairs], 20)))
    subjects, questions = [], []
    for _ in range(30):
        a, o = r.choice(ANIMALS), r.choice(OBJECTS)
        subjects.append((a, o))
        questions.append(fix(r.choice(ASK_STORY).format(a=a, o=o)))
    texts = ask(questions, 140)
    stories = sum(a in t and o in t for (a, o), t in zip(subjects, texts))
    facts = sum(t in answers for (_, answers), t in zip(FACTS, ask([q[0] for q, _ in FACTS], 60)))
    out = {"sums": f"{sums}/60", "stories_on_subject": f"{stories}/30", "facts": f"{facts}/{len(FACTS)}"}
    if not more:
        return out, None
    pairs = [(a, b) for a in range(21) for b in range(21)]
    every = sum(t == f"{a} plus {b} is {a + b}." for (a, b), t in zip(pairs, ask([f"What is {a} plus {b}?" for a, b in pairs], 20)))
    less = [(a, b) for a in range(21) for b in range(a + 1)]
    minus = sum(t == f"{a} minus {b} is {a - b}." for (a, b), t in zip(less, ask([f"What is {a} minus {b}?" for a, b in less], 20)))
    alone = sum(f" {a} " in t for a, t in zip(ANIMALS, ask([fix(r.choice(ASK_STORY_A).format(a=a)) for a in ANIMALS], 140)))
    # the second turn of a chat whose first was about another subject
    second, want = [], []
    for i in range(20):
        (a, o), (a2, o2) = subjects[i], r.choice([s for s in subjects if s[0] != subjects[i][0] and s[1] != subjects[i][1]])
        second.append(prompt_ids(bpe, special, questions[i]) + bpe.encode(texts[i]) + [special["<|im_end|>"]] + bpe.encode("\n") + prompt_ids(bpe, special, fix(ASK_STORY[0].format(a=a2, o=o2))))
        want.append((a2, o2))
    again = sum(a in t and o in t for (a, o), t in zip(want, replies(model, bpe, special, second, 140)))
    # the sixth turn of a chat about all sorts of things
    late = random.Random(77)
    sixth_stories, sixth_sums, want, result = [], [], [], []
    for _ in range(24):
        ids = []
        for q, t in [chat(late) for _ in range(5)]:
            ids += prompt_ids(bpe, special, q) + bpe.encode(t) + [special["<|im_end|>"]] + bpe.encode("\n")
        a, o, x, y = late.choice(ANIMALS), late.choice(OBJECTS), late.randint(0, 20), late.randint(0, 20)
        want.append((a, o))
        result.append(f"{x} plus {y} is {x + y}.")
        sixth_stories.append(ids + prompt_ids(bpe, special, fix(ASK_STORY[0].format(a=a, o=o))))
        sixth_sums.append(ids + prompt_ids(bpe, special, f"What is {x} plus {y}?"))
    sixth_a = sum(a in t and o in t for (a, o), t in zip(want, replies(model, bpe, special, sixth_stories, 140)))
    sixth_b = sum(x == t for x, t in zip(result, replies(model, bpe, special, sixth_sums, 20)))
    sounds = sum(t == f"The {a} says {s}." for (a, s), t in zip(SOUNDS.items(), ask([fix(f"What sound does a {a} make?") for a in SOUNDS], 20)))
    colours = sum(t == f"The colour of {k} is {c}." for (k, c), t in zip(COLOURS.items(), ask([f"What colour is {k}?" for k in COLOURS], 20)))
    new = [(a, o) for a, o in zip(UNSEEN_ANIMALS, UNSEEN_OBJECTS)]
    unseen = sum(a in t and o in t for (a, o), t in zip(new, ask([fix(ASK_STORY[0].format(a=a, o=o)) for a, o in new], 140)))
    names = sum(len({n for n in NAMES if n in t}) == 2 for t in texts)
    words = [len(bpe.encode(t)) for t in texts]
    extra = {"all_sums": f"{every}/441", "all_subtractions": f"{minus}/231", "stories_animal_alone": f"{alone}/{len(ANIMALS)}", "stories_second_turn": f"{again}/20",
             "stories_sixth_turn": f"{sixth_a}/24", "sums_sixth_turn": f"{sixth_b}/24",
             "stories_two_names": f"{names}/30", "stories_unseen_words": f"{unseen}/{len(new)}",
             "sounds": f"{sounds}/{len(SOUNDS)}", "colours": f"{colours}/{len(COLOURS)}", "story_tokens": f"{min(words)} to {max(words)}"}
    return out, extra


def main():
    model, bpe, special = load(sys.argv[1])
    if "--q4" in sys.argv:
        to_q4(model)
    out, extra = scores(model, bpe, special, more=True)
    print(json.dumps(out))
    print("more", json.dumps(extra))
    for q in ["Tell me a story about a fox and a lantern.", "What is 7 plus 5?", "What is staking?", "Hello"]:
        print(">", q, "->", reply(model, bpe, special, q, 140))


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
    main()
