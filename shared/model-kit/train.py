"""Trains the demo model on corpus.py: a Llama-style decoder, with its own byte-level BPE.

usage: python3 train.py OUT_DIR [minutes] [peak learning rate]
Goes on from OUT_DIR/weights.npz, or from OUT_DIR/onnx/model.onnx if there is no such file; else it starts from nothing.
In the environment: SEQ and BATCH set the length of a row and the rows of a step, THREADS the threads, LEVEL the corpus
(0: sums, copying and the beginnings of stories, to start with; 1: all of it; 2: in longer chats), OPT the optimiser (muon or adamw), SEED the chats;
Q4=1 takes every other step with weights rounded to 4 bits, which keeps the q4 export close (for the last minutes).
Writes OUT_DIR/weights.npz, tokenizer.json, tokenizer_config.json, generation_config.json and config.json, in the layout of a
Hugging Face Llama repository (names as in LlamaForCausalLM).
"""
import collections, ctypes, json, math, os, random, re, sys, time

# Before numpy and torch load it: an OpenBLAS that does not know the processor falls back on kernels five times slower than AVX-512.
try:
    if " avx512f " in open("/proc/cpuinfo").read():
        os.environ.setdefault("OPENBLAS_CORETYPE", "SKYLAKEX")
    libc = ctypes.CDLL("libc.so.6")  # keep freed memory: or each activation is mapped and zeroed by the kernel again
    libc.mallopt(-3, 1 << 30), libc.mallopt(-1, 1 << 30)
except OSError:
    pass
for v in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(v, os.environ.get("THREADS", "1"))

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from corpus import ANIMALS, MORE_ANIMALS, MORE_OBJECTS, NAMES, OBJECTS, PLACES, TRAITS, conversation

CONFIG = dict(vocab_size=1024, hidden_size=256, num_hidden_layers=4, num_attention_heads=8, num_key_value_heads=2, intermediate_size=640,
              max_position_embeddings=1024, rope_theta=10000.0, rms_norm_eps=1e-5)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = ("{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
# The GPT-2 pre-tokenizer split, in the subset of it that Python's re can say.
SPLIT = re.compile(r"'(?:s|t|re|ve|m|ll|d)| ?[^\W\d_]+| ?\d+| ?[^\s\w]+|\s+(?!\S)|\s+")
# The words that stories copy: each is to be one token, with its space before it. So is every number up to 40, without.
COPIED = [w for x in ANIMALS + OBJECTS + MORE_ANIMALS + MORE_OBJECTS + NAMES + PLACES + TRAITS for w in x.split()]
NUMBERS = [str(n) for n in range(10, 41)]


def byte_chars():
    keep = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, n = {}, 0
    for b in range(256):
        if b in keep:
            table[b] = chr(b)
        else:
            table[b] = chr(256 + n)
            n += 1
    return table


BYTES = byte_chars()


def train_bpe(texts, size):
    words = collections.Counter()
    for t in texts:
        for w in SPLIT.findall(t):
            words["".join(BYTES[b] for b in w.encode())] += 1
    for w in COPIED:
        words[BYTES[32] + w] += 1000000
    vocab = [BYTES[b] for b in range(256)]
    splits = {w: list(w) for w in words}
    merges = [tuple(n) for n in NUMBERS]  # "12" is one token after a space or not; digits join nothing else
    vocab += NUMBERS
    while len(vocab) + len(SPECIAL) < size:
        pairs = collections.Counter()
        for w, n in words.items():
            s = splits[w]
            for p in zip(s, s[1:]):
                if not any(c.isdigit() for c in p[0] + p[1]):
                    pairs[p] += n
        if not pairs:
            break
        best = max(pairs, key=lambda p: (pairs[p], p))
        merges.append(best)
        vocab.append("".join(best))
        for w, s in splits.items():
            if len(s) > 1:
                out, i = [], 0
                while i < len(s):
                    if i + 1 < len(s) and (s[i], s[i + 1]) == best:
                        out.append(s[i] + s[i + 1])
                        i += 2
                    else:
                        out.append(s[i])
                        i += 1
                splits[w] = out
    return vocab, merges


class Bpe:
    def __init__(self, vocab, merges):
        self.ids = {t: i for i, t in enumerate(vocab)}
        self.rank = {m: i for i, m in enumerate(merges)}
        self.text = {i: t for t, i in self.ids.items()}
        self.back = {c: b for b, c in BYTES.items()}
        self.cache = {}

    def encode(self, text):
        out = []
        for w in SPLIT.findall(text):
            if w not in self.cache:
                s = [BYTES[b] for b in w.encode()]
                while len(s) > 1:
                    r, i = min((self.rank.get((s[i], s[i + 1]), 1 << 30), i) for i in range(len(s) - 1))
                    if r == 1 << 30:
                        break
                    s[i:i + 2] = [s[i] + s[i + 1]]
                self.cache[w] = [self.ids[t] for t in s]
            out += self.cache[w]
        return out

    def decode(self, ids):
        return bytes(self.back[c] for i in ids for c in self.text[i] if c in self.back).decode(errors="replace")


class Weigher:
    """How much each token of an answer counts in the loss. What has to be copied or computed counts most; a name or a place
    that the story makes up (its first mention in this turn) counts least: nothing can foretell it."""

    def __init__(self, bpe):
        self.copied = {bpe.encode(" " + w)[0] for w in COPIED if len(bpe.encode(" " + w)) == 1} | {bpe.encode(w)[0] for w in COPIED if len(bpe.encode(w)) == 1}
        self.numbers = {bpe.ids[str(n)] for n in range(41)}
        self.inside = {i for t, i in bpe.ids.items() if re.fullmatch("[a-z]+", t)}  # goes on with the word before it

    def __call__(self, question, answer):
        seen, out = set(question), []
        for t in answer:
            out.append(8.0 if t in self.numbers else (5.0 if t in seen else .4) if t in self.copied else 1.0)
            seen.add(t)
        asked = {pieces for _, pieces in self.words(question)}
        for at, pieces in self.words(answer):
            if len(pieces) > 1 and pieces in asked:  # a word that the tokenizer takes in pieces
                out[at:at + len(pieces)] = [5.0] * len(pieces)
        return out

    def words(self, ids):
        at = 0
        while at < len(ids):
            end = at + 1
            while end < len(ids) and ids[end] in self.inside:
                end += 1
            yield at, tuple(ids[at:end])
            at = end


def prompt_ids(bpe, special, user):
    return [special["<|im_start|>"]] + bpe.encode("user\n" + user) + [special["<|im_end|>"]] + bpe.encode("\n") + [special["<|im_start|>"]] + bpe.encode("assistant\n")


def tokens_of(conv, bpe, special, weigh):
    """Token ids of one conversation, and the weight of each in the loss (0: the user's)."""
    ids, weights = [], []
    for user, assistant in conv:
        q, a, n = prompt_ids(bpe, special, user), bpe.encode(assistant), bpe.encode("\n")
        ids += q + a + [special["<|im_end|>"]] + n
        weights += [0] * len(q) + weigh(q, a) + [1.0] + [0] * len(n)
    return ids, weights


class Rows:
    """Batches of rows of whole conversations, none of them cut; each sees only itself."""

    def __init__(self, source, length, batch):
        self.source, self.length, self.batch, self.pool = source, length, batch, []

    def next(self):
        rows = [[] for _ in range(self.batch)]
        room = [self.length + 1] * self.batch
        while len(self.pool) < 4 * self.batch:
            c = self.source()
            if len(c[0]) <= self.length + 1:
                self.pool.append(c)
        rest = []
        self.pool.sort(key=lambda c: -len(c[0]))  # longest first, each into the fullest row that still has room for it
        for c in self.pool:
            fits = [i for i in range(self.batch) if room[i] >= len(c[0])]
            if fits:
                i = min(fits, key=lambda i: room[i])
                rows[i].append(c)
                room[i] -= len(c[0])
            else:
                rest.append(c)
            if max(room) < 16:
                break
        used = {id(c) for row in rows for c in row}
        self.pool = [c for c in self.pool if id(c) not in used]
        while len(self.pool) > 3 * self.batch:  # so that short ones do not wait for ever
            self.pool.pop(random.randrange(len(self.pool)))
        ids = np.zeros((self.batch, self.length + 1), np.int64)
        weights = np.zeros((self.batch, self.length + 1), np.float32)
        part = np.full((self.batch, self.length + 1), -1, np.int64)
        for i, row in enumerate(rows):
            at = 0
            random.shuffle(row)
            for n, (t, w) in enumerate(row):
                ids[i, at:at + len(t)], weights[i, at:at + len(t)], part[i, at:at + len(t)] = t, w, n
                weights[i, at] = 0
                at += len(t)
        return torch.from_numpy(ids), torch.from_numpy(weights), torch.from_numpy(part)


def rope(length, dim, theta):
    f = 1.0 / theta ** (torch.arange(0, dim, 2).float() / dim)
    a = torch.outer(torch.arange(length).float(), f)
    return torch.cat([torch.cos(a), torch.cos(a)], -1), torch.cat([-torch.sin(a), torch.sin(a)], -1)


def rotate(x, cos, sin):  # x: [batch, length, heads, head_dim], halves as in Llama on Hugging Face
    return x * cos[:, None] + x.roll(x.shape[-1] // 2, -1) * sin[:, None]


class Rms(torch.autograd.Function):
    """x / rms(x), without the weight, which goes into the matrix after it."""

    @staticmethod
    def forward(ctx, x, eps):
        s = torch.rsqrt((x * x).mean(-1, keepdim=True) + eps)
        y = x * s
        ctx.save_for_backward(y, s)
        return y

    @staticmethod
    def backward(ctx, g):
        y, s = ctx.saved_tensors
        return (g - y * (g * y).mean(-1, keepdim=True)).mul_(s), None


class Gate(torch.autograd.Function):
    """silu(gate) * up, of one tensor that holds both."""

    @staticmethod
    def forward(ctx, h):
        g, u = h.chunk(2, -1)
        a = F.silu(g)
        ctx.save_for_backward(h, a)
        return a * u

    @staticmethod
    def backward(ctx, d):
        h, a = ctx.saved_tensors
        g, u = h.chunk(2, -1)
        out = torch.empty_like(h)
        torch.mul(d, a, out=out[..., out.shape[-1] // 2:])
        out[..., :out.shape[-1] // 2] = torch.ops.aten.silu_backward(d * u, g)
        return out


class Norm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        lin = lambda i, o: nn.Linear(i, o, bias=False)
        d, self.heads, self.kv, self.eps = c["hidden_size"], c["num_attention_heads"], c["num_key_value_heads"], c["rms_norm_eps"]
        self.hd = d // self.heads
        self.input_layernorm, self.post_attention_layernorm = Norm(d), Norm(d)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = lin(d, d), lin(d, self.kv * self.hd), lin(d, self.kv * self.hd), lin(d, d)
        self.gate_proj, self.up_proj, self.down_proj = lin(d, c["intermediate_size"]), lin(d, c["intermediate_size"]), lin(c["intermediate_size"], d)

    def forward(self, x, cos, sin, mask, cache=None):
        (B, T, D), H, K, hd = x.shape, self.heads, self.kv, self.hd
        w = torch.cat([self.q_proj.weight * hd ** -.5, self.k_proj.weight, self.v_proj.weight]) * self.input_layernorm.weight
        qk, v = F.linear(Rms.apply(x, self.eps), w).split([(H + K) * hd, K * hd], -1)
        q, k = rotate(qk.view(B, T, H + K, hd), cos, sin).split([H, K], 2)
        k, v = k.transpose(1, 2), v.view(B, T, K, hd).transpose(1, 2)
        if cache is not None:
            if cache:
                k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = [k, v]
        q = q.view(B, T, K, H // K, hd).permute(0, 2, 3, 1, 4).reshape(B, K, H // K * T, hd)  # the heads of a group side by side
        s = q @ k.transpose(-1, -2)
        if mask is not None:
            s = (s.view(B, K, H // K, T, -1) + mask).view(s.shape)
        a = (torch.softmax(s, -1) @ v).view(B, K, H // K, T, hd).permute(0, 3, 1, 2, 4).reshape(B, T, D)
        x = x + self.o_proj(a)
        w = torch.cat([self.gate_proj.weight, self.up_proj.weight]) * self.post_attention_layernorm.weight
        return x + self.down_proj(Gate.apply(F.linear(Rms.apply(x, self.eps), w)))


class Model(nn.Module):
    def __init__(self, config=CONFIG):
        super().__init__()
        self.config, d, n = config, config["hidden_size"], config["num_hidden_layers"]
        self.embed_tokens = nn.Embedding(config["vocab_size"], d)
        self.layers = nn.ModuleList(Layer(config) for _ in range(n))
        self.norm = Norm(d)
        self.head = None  # the embedding, unless evaluate.py puts its own here
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=.02 if "embed" in name else p.shape[1] ** -.5 * (.5 if "o_proj" in name or "down" in name else 1))
        self.cos, self.sin = rope(config["max_position_embeddings"], d // config["num_attention_heads"], config["rope_theta"])

    def hidden(self, ids, part=None, caches=None, at=0):
        """ids: [batch, length]. part numbers the conversation that each place of a row belongs to; caches and at are for generating."""
        T = ids.shape[1]
        mask = None
        if T > 1:
            seen = torch.ones(T, T, dtype=torch.bool).tril()
            if part is not None:
                seen = (seen & (part[:, :, None] == part[:, None, :]))[:, None, None]
            mask = torch.zeros(seen.shape).masked_fill_(~seen, -1e9)
        x = self.embed_tokens(ids)
        for i, layer in enumerate(self.layers):
            x = layer(x, self.cos[at:at + T], self.sin[at:at + T], mask, caches[i] if caches else None)
        return x

    def logits(self, x):
        return F.linear(Rms.apply(x, self.config["rms_norm_eps"]) * self.norm.weight, self.embed_tokens.weight if self.head is None else self.head)

    def forward(self, ids):
        return self.logits(self.hidden(ids))


def replies(model, bpe, special, prompts, n=120):
    """Greedy answers to many prompts (token ids) at once, with a cache: a row that is still in its prompt is given the prompt's next token."""
    out, stop = [[] for _ in prompts], set(special.values())
    done, caches = [False] * len(prompts), [[] for _ in model.layers]
    with torch.no_grad():
        feed, t = [p[0] for p in prompts], 0
        while not all(done):
            best = model.logits(model.hidden(torch.tensor(feed)[:, None], None, caches, t)[:, -1]).argmax(-1).tolist()
            t += 1
            for i, p in enumerate(prompts):
                if t < len(p):
                    feed[i] = p[t]
                elif not done[i]:
                    feed[i] = best[i]
                    done[i] = best[i] in stop or len(out[i]) >= n
                    if not done[i]:
                        out[i].append(best[i])
    return [bpe.decode(o) for o in out]


def reply(model, bpe, special, prompt, n=120):
    return replies(model, bpe, special, [prompt_ids(bpe, special, prompt)], n)[0]


def muon_step(groups, rate, momentum=.95, decay=.05):
    """Muon: the momentum of each matrix, made orthogonal by five Newton-Schulz steps; matrices of one shape go together."""
    for ps, buf in groups:
        g = torch.stack([p.grad for p in ps])
        buf.mul_(momentum).add_(g, alpha=1 - momentum)
        x = g.lerp_(buf, momentum)
        tall = x.shape[1] > x.shape[2]
        x = x.transpose(1, 2) if tall else x
        x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
        for _ in range(5):
            a = x @ x.transpose(1, 2)
            b = torch.baddbmm(a, a, a, beta=-4.7750, alpha=2.0315)
            x = torch.baddbmm(x, b, x, beta=3.4445)
        x = x.transpose(1, 2) if tall else x
        scale = .2 * max(x.shape[1:]) ** .5  # as large a step as AdamW's
        for p, u in zip(ps, x):
            p.data.mul_(1 - rate * decay).add_(u, alpha=-rate * scale)


def round4(w, block=32):
    """A matrix as build_model.py's q4 keeps it: 16 steps in blocks of 32, the largest of a block exact."""
    b = w.reshape(w.shape[0], -1, block)
    high, low = b.amax(-1, True), b.amin(-1, True)
    s = torch.where(high > -low, high, low) / -8
    s = torch.where(s == 0, torch.ones_like(s), s)
    return ((b / s).round_().clamp_(-8, 7) * s).reshape(w.shape)


def load_weights(folder):
    """The tensors of weights.npz; where there is none, those of onnx/model.onnx (fp32, as build_model.py writes it)."""
    npz, path = os.path.join(folder, "weights.npz"), os.path.join(folder, "onnx", "model.onnx")
    if os.path.exists(npz):
        saved = np.load(npz)
        return {k: torch.from_numpy(saved[k]) for k in saved.files}
    if not os.path.exists(path):
        return None
    import onnx
    from onnx.numpy_helper import to_array
    parts = dict(ln1="input_layernorm", ln2="post_attention_layernorm", q="q_proj", k="k_proj", v="v_proj", o="o_proj", gate="gate_proj", up="up_proj", down="down_proj")
    out = {}
    for t in onnx.load(path).graph.initializer:
        name = t.name.split(".")
        if t.name == "embed.w":
            out["embed_tokens.weight"] = to_array(t).copy()
        elif t.name == "lnf":
            out["norm.weight"] = to_array(t).copy()
        elif re.fullmatch(r"l\d+", name[0]) and name[1] in parts:
            out[f"layers.{name[0][1:]}.{parts[name[1]]}.weight"] = to_array(t).T.copy()
    return {k: torch.from_numpy(v) for k, v in out.items()}


def load_tokenizer(folder):
    j = json.load(open(os.path.join(folder, "tokenizer.json")))
    special = {t["content"]: t["id"] for t in j["added_tokens"]}
    vocab = [t for t, _ in sorted(j["model"]["vocab"].items(), key=lambda x: x[1]) if t not in special]
    return Bpe(vocab, [tuple(m.split(" ")) for m in j["model"]["merges"]]), special


def save_tokenizer(out):
    r = random.Random(1)
    sample = [conversation(r) for _ in range(6000)]
    size = CONFIG["vocab_size"]
    vocab, merges = train_bpe(["user\n", "assistant\n", "system\n"] + [t for c in sample for q in c for t in q], size)
    while len(vocab) + len(SPECIAL) < size:
        vocab.append(f"<|unused{len(vocab)}|>")
    special = {s: len(vocab) + i for i, s in enumerate(SPECIAL)}
    ids = {t: i for i, t in enumerate(vocab)}
    added = [dict(id=i, content=s, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True) for s, i in special.items()]
    json.dump(dict(version="1.0", truncation=None, padding=None, added_tokens=added, normalizer=None,
                   pre_tokenizer=dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True),
                   post_processor=None, decoder=dict(type="ByteLevel", add_prefix_space=True, trim_offsets=True, use_regex=True),
                   model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None, fuse_unk=False,
                              byte_fallback=False, ignore_merges=False, vocab={**ids, **special}, merges=[" ".join(m) for m in merges])),
              open(os.path.join(out, "tokenizer.json"), "w"), ensure_ascii=False)
    json.dump(dict(tokenizer_class="PreTrainedTokenizerFast", bos_token=None, eos_token="<|im_end|>", pad_token="<|endoftext|>", model_max_length=1024,
                   clean_up_tokenization_spaces=False, chat_template=TEMPLATE), open(os.path.join(out, "tokenizer_config.json"), "w"), indent=2)
    json.dump(dict(architectures=["LlamaForCausalLM"], model_type="llama", **CONFIG, head_dim=CONFIG["hidden_size"] // CONFIG["num_attention_heads"], hidden_act="silu",
                   tie_word_embeddings=True, bos_token_id=special["<|im_start|>"], eos_token_id=special["<|im_end|>"],
                   pad_token_id=special["<|endoftext|>"], torch_dtype="float32"), open(os.path.join(out, "config.json"), "w"), indent=2)
    json.dump(dict(eos_token_id=[special["<|im_end|>"], special["<|endoftext|>"]], pad_token_id=special["<|endoftext|>"]), open(os.path.join(out, "generation_config.json"), "w"), indent=2)


def save(model, out):
    path = os.path.join(out, "weights.npz")
    np.savez(path + ".new.npz", **{k: v.detach().numpy() for k, v in model.state_dict().items()})
    os.replace(path + ".new.npz", path)


def main():
    from evaluate import scores
    env = os.environ.get
    out, minutes = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 45
    peak, seq, batch, level, muon = float(sys.argv[3]) if len(sys.argv) > 3 else 5e-3, int(env("SEQ", "160")), int(env("BATCH", "16")), int(env("LEVEL", "1")), env("OPT", "muon") == "muon"
    q4 = env("Q4") == "1"
    os.makedirs(out, exist_ok=True)
    seed = int(env("SEED", "0"))
    torch.manual_seed(seed), random.seed(seed)
    torch.set_flush_denormal(True)
    r = random.Random(seed + 1)
    if not os.path.exists(os.path.join(out, "tokenizer.json")):
        save_tokenizer(out)
    bpe, special = load_tokenizer(out)
    config = json.load(open(os.path.join(out, "config.json")))
    model = Model(config)
    saved = load_weights(out)
    if saved:
        model.load_state_dict(saved)
    print("parameters", sum(p.numel() for p in model.parameters()), "vocab", len(bpe.ids) + len(SPECIAL), "level", level, "goes on" if saved else "from nothing", flush=True)

    weigh = Weigher(bpe)
    data = Rows(lambda: tokens_of(conversation(r, level), bpe, special, weigh), seq, batch)
    by_shape = collections.defaultdict(list)
    for name, p in model.named_parameters():
        if muon and p.dim() > 1 and "embed" not in name:
            by_shape["down" in name, p.shape].append(p)
    groups = [(ps, torch.zeros(len(ps), *ps[0].shape)) for ps in by_shape.values()]
    rest = [p for p in model.parameters() if not any(p is q for ps, _ in groups for q in ps)]
    opt = torch.optim.AdamW([dict(params=[p for p in rest if p.dim() > 1], weight_decay=.05), dict(params=[p for p in rest if p.dim() == 1], weight_decay=0)], lr=peak, betas=(.9, .95))
    matrices = [p for n, p in model.named_parameters() if p.dim() > 1 and "embed" not in n]
    start, step, tokens, mean = time.time(), 0, 0, 0.0
    last_print = last_score = start
    while True:
        now = time.time()
        done = (now - start) / (60 * minutes)
        if done >= 1:
            break
        ids, weights, part = data.next()
        x, y, w = ids[:, :-1], ids[:, 1:], weights[:, 1:].contiguous()
        rate = peak * min(1, (step + 1) / 100) * min(1, (1 - done) / .5 * .98 + .02)  # warms up, stays, and falls over the second half
        for g in opt.param_groups:
            g["lr"] = rate
        kept = {}
        if q4 and step % 2:
            with torch.no_grad():
                kept = {p: p.data for p in matrices}
                for p in matrices:
                    p.data = round4(p.data)
                e = model.embed_tokens.weight
                off = round4(e.data) - e.data
            model.head = e + off
        h = model.hidden(x, part[:, :-1])
        take = w > 0
        loss = (F.cross_entropy(model.logits(h[take]), y[take], reduction="none") * w[take]).sum() / w.sum()
        for p in model.parameters():
            p.grad = None
        loss.backward()
        for p, full in kept.items():  # the gradient was taken at the rounded weights, and goes to those kept
            p.data = full
        model.head = None
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        if groups:
            muon_step(groups, rate)
        step += 1
        tokens += int((part >= 0).sum())
        mean = loss.item() if step == 1 else mean * .98 + loss.item() * .02
        now = time.time()
        if now - last_print > 30:
            print(f"step {step} loss {mean:.4f} tokens {tokens} ({tokens / (now - start):.0f}/s) rate {rate:.5f} {now - start:.0f}s", flush=True)
            last_print = now
        if now - last_score > float(env("SCORE", "300")):
            print("  ", json.dumps(scores(model, bpe, special)[0]), flush=True)
            save(model, out)
            last_score = now
    save(model, out)
    print("   end", step, "steps", tokens, "tokens", json.dumps(scores(model, bpe, special)[0]), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("THREADS", "1")))
    main()
