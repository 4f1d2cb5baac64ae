"""Warnings as a page shows them: a long list of names becomes its number and its first few, the rest folded away."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

SHOWN = 3
LONG = 5
"""Names from which on a list is long."""
NAME = r"[^\s,]+(?: \([^()]*\))?"
LIST = re.compile(rf"(?P<names>{NAME}(?:, {NAME})*)(?: and (?:(?P<n>\d+) more|(?P<last>{NAME})))?")
PLAINLY = {
    "no two starts of the fit end alike": (
        "{n} fit has several nearly equal solutions; its prediction is less certain than its band says",
        "{n} fits have several nearly equal solutions; their predictions are less certain than their bands say",
    ),
}
"""What an analysis says of the names that follow, in plain words: of one, of several."""


@dataclass(frozen=True)
class Caution:
    """One warning: its sentence, and names that are folded away."""

    words: str
    folded: tuple[str, ...] = ()


def cautions_of(sentences: Iterable[object]) -> list[Caution]:
    """The warnings in their order, each as ``Caution``."""
    return [_caution(str(sentence)) for sentence in sentences]


def _caution(sentence: str) -> Caution:
    before, _, listed = sentence.rstrip(".").rpartition(": ")
    found = LIST.fullmatch(listed)
    if found is None or not before:
        return Caution(sentence)
    about, colon, head = before.rpartition(": ")
    names = [*found["names"].split(", "), *([found["last"]] if found["last"] else [])]
    unnamed = int(found["n"] or 0)
    n = len(names) + unnamed
    if head in PLAINLY:
        head = PLAINLY[head][n > 1].format(n=n)
    elif n < LONG:
        return Caution(sentence)
    else:
        head = f"{head} ({n})"
    said = f"{about}{colon}{head}"
    if n < LONG:
        return Caution(f"{said}: {', '.join(names)}")
    more = (*names[SHOWN:], *([f"and {unnamed} more that the analysis does not name"] if unnamed else []))
    return Caution(f"{said}: {', '.join(names[:SHOWN])} and {n - SHOWN} more", more)
