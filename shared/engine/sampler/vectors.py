#!/usr/bin/env python3
"""Writes ../sampler-vectors.json: SAMPLER.md followed step by step, with no shortcut and no code of the sampler.

Python's floats are IEEE 754 binary64 and are never fused. Its `math` is not used: ln and exp are fdlibm 5.3.
"""

import json
import pathlib
import struct


def high_word(x):
    return struct.unpack(">i", struct.pack(">d", x)[:4])[0]


def low_word(x):
    return struct.unpack(">I", struct.pack(">d", x)[4:])[0]


def with_high_word(x, high):
    packed = struct.pack(">I", high & 0xFFFFFFFF) + struct.pack(">d", x)[4:]
    return struct.unpack(">d", packed)[0]


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


LN2_HI = struct.unpack(">d", bytes.fromhex("3fe62e42fee00000"))[0]
LN2_LO = struct.unpack(">d", bytes.fromhex("3dea39ef35793c76"))[0]
LG = [
    struct.unpack(">d", bytes.fromhex(digits))[0]
    for digits in (
        "3fe5555555555593",
        "3fd999999997fa04",
        "3fd2492494229359",
        "3fcc71c51d8e78af",
        "3fc7466496cb03de",
        "3fc39a09d078c69f",
        "3fc2f112df3e5244",
    )
]


def ln(x):
    """__ieee754_log"""
    hx, lx = high_word(x), low_word(x)
    k = 0
    if hx < 0x00100000:
        if ((hx & 0x7FFFFFFF) | lx) == 0:
            return float("-inf")
        if hx < 0:
            return float("nan")
        k -= 54
        x *= 2.0**54
        hx = high_word(x)
    if hx >= 0x7FF00000:
        return x + x
    k += (hx >> 20) - 1023
    hx &= 0x000FFFFF
    i = (hx + 0x95F64) & 0x100000
    x = with_high_word(x, hx | (i ^ 0x3FF00000))
    k += i >> 20
    f = x - 1.0
    dk = float(k)
    if (0x000FFFFF & (2 + hx)) < 3:
        if f == 0.0:
            return 0.0 if k == 0 else dk * LN2_HI + dk * LN2_LO
        r = f * f * (0.5 - 0.33333333333333333 * f)
        return f - r if k == 0 else dk * LN2_HI - ((r - dk * LN2_LO) - f)
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    t1 = w * (LG[1] + w * (LG[3] + w * LG[5]))
    t2 = z * (LG[0] + w * (LG[2] + w * (LG[4] + w * LG[6])))
    r = t2 + t1
    if ((hx - 0x6147A) | (0x6B851 - hx)) > 0:
        hfsq = 0.5 * f * f
        if k == 0:
            return f - (hfsq - s * (hfsq + r))
        return dk * LN2_HI - ((hfsq - (s * (hfsq + r) + dk * LN2_LO)) - f)
    if k == 0:
        return f - s * (f - r)
    return dk * LN2_HI - ((s * (f - r) - dk * LN2_LO) - f)


INV_LN2 = struct.unpack(">d", bytes.fromhex("3ff71547652b82fe"))[0]
PS = [
    struct.unpack(">d", bytes.fromhex(digits))[0]
    for digits in (
        "3fc555555555553e",
        "bf66c16c16bebd93",
        "3f11566aaf25de2c",
        "bebbbd41c5d26bf1",
        "3e66376972bea4d0",
    )
]


def exp(x):
    """__ieee754_exp, for x <= 0 and -infinity"""
    assert x <= 0
    hx = high_word(x) & 0x7FFFFFFF
    if hx >= 0x7FF00000 or x < -745.13321910194110842:
        return 0.0
    k, hi, lo = 0, 0.0, 0.0
    if hx > 0x3FD62E42:
        k = -1 if hx < 0x3FF0A2B2 else int(INV_LN2 * x - 0.5)
        hi = x - k * LN2_HI
        lo = k * LN2_LO
        x = hi - lo
    elif hx < 0x3E300000:
        return 1.0 + x
    t = x * x
    c = x - t * (PS[0] + t * (PS[1] + t * (PS[2] + t * (PS[3] + t * PS[4]))))
    if k == 0:
        return 1.0 - ((x * c) / (c - 2.0) - x)
    y = 1.0 - ((lo - (x * c) / (2.0 - c)) - hi)
    if k >= -1021:
        return with_high_word(y, high_word(y) + (k << 20))
    return with_high_word(y, high_word(y) + ((k + 1000) << 20)) * 2.0**-1000


def philox(counter, key):
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k0, p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k1, p0 & 0xFFFFFFFF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def adjusted(z, params, prompt, answer):
    rho = params.get("repetitionPenalty", 1)
    presence, frequency = params.get("presencePenalty", 0), params.get("frequencyPenalty", 0)
    bias = {token: b for token, b in params.get("logitBias", [])}
    y = list(z)
    for v in sorted(set(prompt) | set(answer) | set(bias)):
        x = z[v]
        if rho != 1 and (v in prompt or v in answer):
            x = x / rho if x > 0 else x * rho
        count = answer.count(v)
        if count > 0:
            x = x - count * frequency
            x = x - presence
        if v in bias:
            x = x + bias[v]
        y[v] = f32(x)
    return y


def scores(z, params, seed, prompt, answer, allowed):
    """The score of each token that is left after the filters."""
    tau, top_p, min_p = params["temperature"], params["topP"], params.get("minP", 0)
    y = adjusted(z, params, prompt, answer)
    candidates = [v for v in (range(len(y)) if allowed is None else allowed) if y[v] > float("-inf")]
    order = sorted(candidates, key=lambda v: (-y[v], v))
    if tau == 0:
        return {v: y[v] for v in order}
    m = y[order[0]]
    kept = order
    if params.get("topK", 0) > 0:
        kept = order[: params["topK"]]
    elif top_p < 1:
        kept = order[:256]
    if top_p < 1:
        weights = [exp((y[v] - m) / tau) for v in kept]
        total = 0.0
        for weight in weights:
            total = total + weight
        target = top_p * total
        running = 0.0
        for i, weight in enumerate(weights):
            running = running + weight
            if running >= target:
                kept = kept[: i + 1]
                break
    if min_p > 0:
        floor = m + tau * ln(min_p)
        kept = [v for v in kept if y[v] >= floor]
    words = struct.unpack("<8I", seed)
    result = {}
    for v in kept:
        x = philox([len(answer), v >> 2, words[2], words[3]], words[:2])[v & 3]
        u = (x + 0.5) / 2.0**32
        result[v] = y[v] + tau * -ln(-ln(u))
    return result


def logits_of(spec):
    if isinstance(spec, list):
        return spec
    r, z = spec["start"], []
    for _ in range(spec["size"]):
        r = r * 48271 % (2**31 - 1)
        k = r % 65536 - 32768
        z.append(k / 2048 if spec["shape"] == "even" else f32(k**3 / 2**41))
    return z


def vector(name, params, logits, count, seed="counting", prompt=(), allowed=None, asked=()):
    bytes_of_seed = SEEDS[seed]
    z = logits_of(logits)
    first = scores(z, params, bytes_of_seed, prompt, [], allowed)
    best = max(first.values())
    answer = []
    for _ in range(count):
        drawn = scores(z, params, bytes_of_seed, prompt, answer, allowed)
        answer.append(winner(drawn))
    return {
        "name": name,
        "params": params,
        "seed": bytes_of_seed.hex(),
        "prompt": list(prompt),
        "allowed": allowed,
        "logits": logits,
        "tokens": answer,
        "margins": [[v, best - first[v] if v in first else None] for v in asked],
    }


def winner(drawn):
    best = max(drawn.values())
    return min(v for v, score in drawn.items() if score == best)


SEEDS = {
    "zero": bytes(32),
    "ones": b"\xff" * 32,
    "counting": bytes(range(32)),
}
SPREAD = [-5.625, -2.859375, -1.6875, -0.09375, 6.40625, 3.71875, -3.6875, 5, 2, -2.375, -2.265625, -0.15625]
SPREAD += [2.625, 3.5625, 5.671875, -2.078125, 1.375, -7.875, -1.734375, -7.671875]
FLAT = [0.65625, 0.3125, 0.671875, -0.890625, 0.515625, -0.515625, 0.609375, 0.375, -0.75, 0.375, -0.171875, 0.171875]
EQUAL = [1.5, 1.5, -0.0, 0.0, 1.5, 0.0, -0.0, 1.5]
TENTHS = [f32(0.1), f32(0.7), f32(-1.3), f32(2.2), f32(2.1), f32(-0.3), f32(1.9), f32(0.05)]
EVEN = {"size": 1000, "start": 42, "shape": "even"}
PEAKED = {"size": 4099, "start": 99, "shape": "peaked"}
LARGE = {"size": 151_936, "start": 7, "shape": "peaked"}
LARGE_EVEN = {"size": 49_152, "start": 2024, "shape": "even"}


def at(temperature, **others):
    return {"temperature": temperature, "topP": 1, **others}


def vectors():
    some = (0, 4, 7, 11)
    yield vector("greedy", at(0), SPREAD, 4, asked=some)
    yield vector("greedy, equal logits, zeros of both signs", at(0), EQUAL, 3, asked=(0, 1, 2, 3))
    yield vector("greedy does not look at filters", at(0, topP=0.1, topK=1, minP=0.5), SPREAD, 3, asked=some)
    yield vector("flat, zero seed", at(1), FLAT, 24, seed="zero", asked=some)
    yield vector("flat, all-ones seed", at(1), FLAT, 24, seed="ones", asked=some)
    yield vector("spread, temperature 0.7", at(0.7), SPREAD, 24, asked=some)
    yield vector("spread, temperature 2", at(2), SPREAD, 24, asked=some)
    yield vector("cold", at(0.01), FLAT, 12, asked=some)
    yield vector("so cold that weights vanish", at(1e-300, topP=0.9), TENTHS, 4, asked=(3, 4))
    yield vector("equal logits", at(1), EQUAL, 24, asked=(0, 1, 2, 3))
    for top_p in (0.01, 0.5, 0.9, 0.999):
        yield vector(f"top-p {top_p}", at(1, topP=top_p), SPREAD, 16, asked=range(20))
    yield vector("top-p on an edge of equal weights", at(1, topP=0.5), [2, 2, 2, 2], 12, asked=range(4))
    yield vector("top-p after temperature", at(2, topP=0.9), TENTHS, 16, asked=range(8))
    yield vector("top-p sees 256 tokens", at(2, topP=0.999), EVEN, 16, asked=range(0, 1000, 25))
    yield vector("top-k 1", at(2, topK=1), EQUAL, 4, asked=(0, 1, 4))
    yield vector("top-k 3 of equal logits", at(1, topK=3), EQUAL, 16, asked=(0, 1, 4, 7))
    yield vector("top-k 300, top-p 0.999", at(2, topP=0.999, topK=300), EVEN, 16, asked=range(0, 1000, 25))
    yield vector("top-k above the vocabulary", at(1, topK=1024), FLAT, 8, asked=some)
    yield vector("min-p 0.1", at(1, minP=0.1), SPREAD, 16, asked=range(20))
    yield vector("min-p 0.99", at(0.5, minP=0.99), TENTHS, 8, asked=range(8))
    yield vector("all filters", at(1.3, topP=0.95, topK=40, minP=0.02), PEAKED, 16, asked=range(0, 4099, 211))
    yield vector("repetition penalty", at(0, repetitionPenalty=1.3), TENTHS, 12, prompt=(2, 4, 4), asked=range(8))
    yield vector("repetition penalty below 1", at(0.8, repetitionPenalty=0.5), SPREAD, 12, prompt=(17,), asked=(4, 17))
    yield vector("presence penalty", at(0, presencePenalty=0.7), TENTHS, 12, prompt=(3,), asked=range(8))
    yield vector("frequency penalty", at(0, frequencyPenalty=0.1), TENTHS, 24, asked=(3, 4))
    yield vector("negative penalties", at(1, frequencyPenalty=-0.3, presencePenalty=-2), FLAT, 16, asked=some)
    bias = [[4, -100], [17, 12.1], [9, 0.3]]
    yield vector("bias", at(0.7, logitBias=bias), SPREAD, 16, asked=(4, 9, 14, 17))
    mixed = at(
        0.9,
        topP=0.95,
        topK=30,
        minP=0.001,
        repetitionPenalty=1.1,
        presencePenalty=0.3,
        frequencyPenalty=0.2,
        logitBias=[[5, 3.7], [1000, 100], [3, -0.1]],
    )
    yield vector("everything", mixed, PEAKED, 24, prompt=(1, 5, 77, 4000), asked=(1, 3, 5, 77, 1000))
    allowed = [1, 2, 8, 11]
    yield vector("mask, greedy", at(0), SPREAD, 2, allowed=allowed, asked=some)
    yield vector("mask before the filters", at(2, topP=0.9, topK=3), SPREAD, 12, allowed=allowed, asked=allowed)
    yield vector("mask of one token", at(1), SPREAD, 3, allowed=[19], asked=(4, 19))
    wide = [v for v in range(4099) if v % 5 != 0]
    yield vector("wide mask", at(1.5), PEAKED, 12, allowed=wide, asked=(0, 1, 5, 6))
    yield vector("wide mask and penalties", mixed, PEAKED, 12, allowed=wide, prompt=(1, 5), asked=(1, 5, 1000))
    yield vector("49,152 tokens, flat", at(1), LARGE_EVEN, 2, asked=(0, 49_151))
    yield vector("49,152 tokens, top-p 0.9", at(1, topP=0.9), LARGE_EVEN, 6, asked=(0, 49_151))
    yield vector("49,152 tokens, top-k 1024", at(2, topK=1024), LARGE_EVEN, 6, asked=(0, 49_151))
    yield vector("151,936 tokens", at(0.8), LARGE, 2, asked=(0, 77_777, 151_935))
    yield vector("151,936 tokens, min-p", at(1, minP=0.05), LARGE, 6, asked=(0, 77_777, 151_935))
    yield vector("151,936 tokens, everything", mixed, LARGE, 6, prompt=(9, 151_935), asked=(3, 5, 1000))


def main():
    path = pathlib.Path(__file__).parent.parent / "sampler-vectors.json"
    lines = ",\n".join("    " + json.dumps(each) for each in vectors())
    about = "What the sampler draws. SAMPLER.md defines it and this file; sampler/vectors.py writes it."
    path.write_text(f'{{\n  "about": "{about}",\n  "draws": [\n{lines}\n  ]\n}}\n')


if __name__ == "__main__":
    main()
