"""Broken copies of a spec, as typing, cutting, pasting and a damaged disk make them."""

from __future__ import annotations

import random
import re

TOKENS = (
    "[", "]", "{", "}", ":", "- ", ",", "#", "&a ", "*a", "!!int ", "!x ", "|", ">", "'", '"', "\t", "\n", "---\n",
    "? ", "null", "true", "on", "0", "-1", "1e999999999", ".nan", ".inf", "0x" + "f" * 5000, "1:30:00", "2020-01-01",
    "1.5", "2.4M", "[]", "{}", "''", "clm", "sc(0.5,8)", "sc(9", "nope", "..", "a/b", "\\e", "\0", "é", "\u2028",
)  # fmt: skip
"""What YAML and the spec give a meaning to."""


def mutate(text: str, rng: random.Random) -> bytes:
    """One to five random edits of bytes, tokens and lines."""
    data = text.encode()
    for _ in range(rng.randint(1, 5)):
        data = rng.choice((_edit_byte, _edit_token, _edit_line))(data, rng)
    return data


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
