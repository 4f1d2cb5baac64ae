"""A small spec, and edits of it."""

from __future__ import annotations

SPEC = """\
study: small
seed: 7
model: {preset: nano}
data: {world: {}}
mixtures:
  even: {facts: 1, reading: 1}
  most: {facts: 4, reading: 1}
pretrain:
  defaults: {tokens: 1M}
  grid:
    objective: [clm, sc]
    mixture: [even, most]
finetune: {tasks: [cms, cbqa], seeds: [0, 1]}
indicators: [ppl_clm, kshot_cms]
select: {primary: {outcome: cms, indicator: ppl_clm}}
"""


def edited(*edits: tuple[str, str], text: str = SPEC) -> str:
    """The spec with each text, which must occur in it once, replaced by another."""
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def after(line: str, *more: str) -> str:
    """The spec with lines added below one of its lines."""
    return edited((line + "\n", "\n".join([line, *more]) + "\n"))


GRID_END = "    mixture: [even, most]"
"""The last line of the section ``pretrain``."""
