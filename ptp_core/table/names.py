"""Names of numbers: which are headlines, and which are further quantities of one (``kshot.margin``, ``ppl@web``)."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def headline_of(name: str, known: Collection[str]) -> str:
    """The headline that ``name`` is a further quantity of: its part before a ``.`` or ``@`` if that is in ``known``.

    Marks inside parentheses belong to a setting and cut nothing: of ``ppl_sc(0.5,8).bits@facts`` the headline is
    ``ppl_sc(0.5,8)``. A name whose parts are all unknown is its own headline, so that a column of a table measured
    elsewhere may be called ``v1.2`` or ``recall@5``.
    """
    return next((name[:cut] for cut in _cuts(name) if name[:cut] in known), name)


def headlines(known: Collection[str]) -> list[str]:
    """The names that are nobody's further quantity, in the order given."""
    every = frozenset(known)
    return [name for name in known if headline_of(name, every) == name]


def belongs_to(name: str, task: str) -> bool:
    """Whether ``name`` is the task itself or one of its quantities."""
    return name == task or name.startswith((f"{task}.", f"{task}@"))


def _cuts(name: str) -> Iterable[int]:
    depth = 0
    for at, letter in enumerate(name):
        depth += (letter == "(") - (letter == ")")
        if letter in ".@" and depth <= 0 and at:
            yield at
