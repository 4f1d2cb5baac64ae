"""Broken copies of a spec, as typing, cutting, pasting, generating and a damaged disk make them."""

from __future__ import annotations

import random
import re

TOKENS = (
    "[", "]", "{", "}", ":", "- ", ",", "#", "&a ", "*a", "!!int ", "!x ", "|", ">", "'", '"', "\t", "\n", "---\n",
    "? ", "null", "true", "on", "0", "-1", "1e999999999", ".nan", ".inf", "0x" + "f" * 5000, "1:30:00", "2020-01-01",
    "1.5", "2.4M", "[]", "{}", "''", "clm", "sc(0.5,8)", "sc(9", "nope", "..", "a/b", "\\e", "\0", "é", "\u2028",
    # Types and tags that YAML knows and a spec does not.
    "!!python/object/apply:os.system ['true']", "!!binary aGk=", "!!set {a, b}", "!!timestamp 2020-99-99", "!!bool x",
    "!!float ''", "!!omap [a: 1]", "!!null x", "!!str 1", "!<tag:x,2020:y> 1", "%YAML 9.9\n---\n", "%TAG ! x:\n",
    # Numbers that are not what they seem.
    "-.inf", "1e400", "-1e400", "1e-400", "0777", "0o17", "0b11", "1_000", "1__0", "9" * 400, "-" + "9" * 30, "1e22T",
    "99999999999M", "1e3k", "0x", "1.", ".5", "+1", "1,5", "5%", "NaN", "2.4 M", "1e+", "2**63", "9223372036854775808",
    # Text of all kinds.
    "\ufeff", "\u202e", "\u0085", "\ud7ff", "\U0001f600", "a" * 10_000, "${HOME}", "${", "${A" * 50, "$$", "~",
    "~nobody", "*", "**/*", "[a-", "{a,b}", "../..", "/dev/zero", "/proc/self/mem", ".", "x\n\n\ny", "\r", "\r\n", "\\",
    "\x7f", "\b",
    # Kinds of section where another is expected, names of other sections, and parts of the spec's own small languages.
    "[[[]]]", "{a: {b: {c: 1}}}", "[null]", "[true, 1, x]", "{? [a] : b}", "{1: 2}", "{null: 1}", "{<<: {a: 1}}",
    "<<: *a",
    "ppl_", "ppl_sc(", "kshot_", "tuned_x", "clm+sc+", "clm:0", "0.5*clm+sc", "ul2", "linear", "(" * 200, "[" * 60,
    "study", "seed", "model", "data", "pretrain", "finetune", "select", "scaling", "dynamics", "measurements", "tasks",
    "grid", "include", "exclude", "defaults", "checkpoints", "indicators", "execution", "items", "mixtures",
)  # fmt: skip
"""What YAML and the spec give a meaning to, and what somebody might think that they do."""


def mutate(text: str, rng: random.Random) -> bytes:
    """One to five random edits of bytes, tokens, lines and whole blocks; now and then a trap for the parser."""
    data = text.encode()
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        data = rng.choice((_edit_byte, _edit_token, _edit_token, _edit_line, _edit_value, _edit_block))(data, rng)
    return _trap(data, rng) if rng.random() < 0.05 else data


def _edit_byte(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    kept = at + rng.randrange(3)
    return data[:at] + bytes(rng.randrange(256) for _ in range(rng.randrange(3))) + data[kept:]


def _edit_token(data: bytes, rng: random.Random) -> bytes:
    words = list(re.finditer(rb"[A-Za-z0-9_.]+|[^\sA-Za-z0-9_.]", data))
    if not words:
        return rng.choice(TOKENS).encode()
    old = rng.choice(words)
    new = rng.choice([rng.choice(TOKENS).encode(), rng.choice(words)[0], b""])
    return data[: old.start()] + new + data[old.end() :]


def _edit_line(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True) or [b"\n"]
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    edit = rng.randrange(4)
    if edit == 0:
        lines.insert(j, lines[i])
    elif edit == 1:
        del lines[i]
    elif edit == 2:
        lines[i], lines[j] = lines[j], lines[i]
    else:
        lines[i] = b" " * rng.randrange(5) + lines[i].lstrip()
    return b"".join(lines)


def _edit_value(data: bytes, rng: random.Random) -> bytes:
    """Another value behind a key: most of these are still YAML, so that they get to the models and the checks."""
    values = list(re.finditer(rb"(?<=: )[^\n,}\]#]+", data))
    if not values:
        return _edit_token(data, rng)
    old = rng.choice(values)
    new = rng.choice(
        [rng.choice(TOKENS).encode(), rng.choice(values)[0], b"[" + old[0] + b"]", b"{x: " + old[0] + b"}"]
    )
    return data[: old.start()] + new + data[old.end() :]


def _edit_block(data: bytes, rng: random.Random) -> bytes:
    """A section under another one's name, lines in another place or at another depth, an anchor and its alias."""
    lines = data.splitlines(keepends=True) or [b"\n"]
    i = rng.randrange(len(lines))
    block = lines[i : i + rng.randint(1, 8)]
    rest = lines[:i] + lines[i + len(block) :]
    edit = rng.randrange(4)
    if edit == 0:
        at = rng.randrange(len(rest) + 1)
        return b"".join([*rest[:at], *block, *rest[at:]])
    if edit == 1:
        return b"".join([*lines[:i], *(b"  " + line for line in block), *lines[i + len(block) :]])
    keys = [i for i, line in enumerate(lines) if re.match(rb"[a-z]+:", line)]
    if len(keys) > 1 and edit == 2:
        one, other = rng.sample(keys, 2)
        name = lines[other].split(b":")[0]
        lines[one] = re.sub(rb"^[a-z]+", lambda _: name, lines[one])
        lines[other] = re.sub(rb"^[a-z]+", b"zzz", lines[other]) if rng.random() < 0.5 else b""
        return b"".join(lines)
    values = list(re.finditer(rb"(?<=: )(?=[\[{\w])", data))
    if len(values) < 2:
        return data
    first, second = sorted(rng.sample(range(len(values)), 2))
    ends = re.compile(rb"[,}\]\n#]")
    found = ends.search(data, values[second].end())
    end = found.start() if found else len(data)
    start = values[second].start()
    return data[: values[first].start()] + b"&a " + data[values[first].start() : start] + b"*a " + data[end:]


def _trap(data: bytes, rng: random.Random) -> bytes:
    """What makes careless readers run out of time, memory or stack."""
    laughs = b"".join(b"l%d: &l%d [%s]\n" % (i, i, b", ".join([b"*l%d" % (i - 1)] * 10)) for i in range(1, 10))
    return rng.choice(
        (
            data + b"l0: &l0 [x]\n" + laughs,
            data + b"me: &me {me: *me}\n",
            data + b"me: &me [*me, *me]\n",
            b"&a {study: x, model: *a}",
            data.replace(b"[", b"[" * 3000, 1),
            data.replace(b"{", b"{a: " * 500, 1),
            data + b"deep:\n" + b"".join(b" " * i + b"a:\n" for i in range(1, 300)),
            data + b"- " * 1000 + b"x\n",
            data + b"? " * 500 + b"x\n",
            data + b"many: [" + b"1, " * 50_000 + b"]\n",
            data + b"".join(b"key%d: 1\n" % i for i in range(5_000)),
            re.sub(
                rb"grid: *\{", b"grid: {seed: [" + b", ".join(b"%d" % i for i in range(200)) + b"], ", data, count=1
            ),
            data + b"text: " + b"a" * 1_000_000 + b"\n",
            data + b"text: '" + b"\\" * 10_000,
            data * 2,
            data.decode("utf-8", "replace").encode("utf-16"),
            data.replace(b"\n", b"\r"),
            b"",
            b"\0" * 100,
            b"---\n...\n---\n" + data,
        )
    )
