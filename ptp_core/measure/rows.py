"""How many rows go through a model at once."""

from __future__ import annotations

ROWS = 64
LOGITS = 2**28
"""Numbers that the logits of a batch may hold: 1 GiB in fp32, which large vocabularies reach with a few rows."""


def rows_at_once(length: int, vocabulary: int) -> int:
    """Rows of ``length`` tokens whose logits fit; at most ROWS, at least one."""
    return max(1, min(ROWS, LOGITS // (length * vocabulary)))
