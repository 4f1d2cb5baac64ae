"""From the objective written in a spec to a batch: each row takes one of the terms, by their weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ptp_core.draws import Draws
from ptp_core.errors import UserError
from ptp_core.objectives.batch import IGNORE, TERM, Batch, Ints
from ptp_core.objectives.causal import clm, plm, prefix_lengths
from ptp_core.objectives.span_corruption import plan, planned, span_corruption
from ptp_core.spec.objective import Term, terms
from ptp_core.special import SpecialTokens


def make_batch(objective: str, rows: Ints, draws: Draws, special: SpecialTokens) -> Batch:
    """Inputs and targets for rows of shape (batch, length + 1); ``objective`` as in ``ptp_core.spec.objective``.

    Each row depends on its own tokens and its own draws alone. Where a term has a mode, its token is the very first
    input of the row, before a bos if there is one, and the last token of the row is dropped: so a row's number of
    targets does not depend on its tokens. Nothing predicts the mode token; it predicts the first token of the text
    under CLM, and nothing under PLM and span corruption, where the text in front carries no loss.
    Raises UserError if the tokenizer lacks a mode token or sentinels, or the rows are too short.
    """
    shape = (len(rows), rows.shape[1] - 1)
    inputs, targets = np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.int64)
    prefix = np.zeros(len(rows), dtype=np.int64)
    for term, mine in _shares(objective, draws):
        if mine.all():
            return _made(term, rows, draws, special)
        inputs[mine], targets[mine], prefix[mine] = _made(term, rows[mine], draws.take(mine), special)
    return Batch(inputs, targets, prefix)


def targets_in(objective: str, draws: Draws, length: int, special: SpecialTokens) -> Ints:
    """How many targets ``make_batch`` gives each row of ``length + 1`` tokens, without a look at them: shape (batch,).

    What a rank needs to weigh its rows in a global batch that it sees only a part of. Raises UserError as it does.
    """
    counts = np.empty(len(draws.rows), dtype=np.int64)
    for term, mine in _shares(objective, draws):
        counts[mine] = _count(term, draws.take(mine), length, special)
    return counts


def spans_needed(objective: str, length: int) -> int:
    """The largest number of sentinels that a row of ``length`` inputs takes; 0 without span corruption."""
    parts = [term for term in terms(objective) if term.kind == "sc"]
    return max((plan(_text_length(term, length), term.rate, term.span_length).spans for term in parts), default=0)


def _shares(objective: str, draws: Draws) -> Iterator[tuple[Term, NDArray[np.bool_]]]:
    """Each term that some row takes, and which rows these are."""
    parts = terms(objective)
    edges = np.cumsum([term.weight for term in parts])[:-1]
    choice = np.searchsorted(edges, draws.uniform(TERM, 1)[:, 0], side="right")
    for i, term in enumerate(parts):
        mine = choice == i
        if mine.any():
            yield term, mine


def _made(term: Term, rows: Ints, draws: Draws, special: SpecialTokens) -> Batch:
    if term.mode:
        front = np.full((len(rows), 1), _mode_token(term, special), dtype=np.int64)
        rows = rows[:, :-1]
        if term.kind == "sc":
            made = span_corruption(rows, draws, term.rate, term.span_length, special)
            return Batch(
                np.concatenate([front, made.inputs], axis=1),
                np.concatenate([np.full_like(front, IGNORE), made.targets], axis=1),
                made.prefix,
            )
        rows = np.concatenate([front, rows], axis=1)
    if term.kind == "clm":
        return clm(rows)
    if term.kind == "plm":
        return plm(rows, draws, _shortest_prefix(term))
    return span_corruption(rows, draws, term.rate, term.span_length, special)


def _count(term: Term, draws: Draws, length: int, special: SpecialTokens) -> Ints | int:
    _mode_token(term, special)
    if term.kind == "clm":
        return length
    if term.kind == "plm":
        return length + 1 - prefix_lengths(draws, length, _shortest_prefix(term))
    return planned(_text_length(term, length), term.rate, term.span_length, special).targets


def _text_length(term: Term, length: int) -> int:
    return length - 1 if term.mode else length


def _shortest_prefix(term: Term) -> int:
    # A prefix of the mode token alone would be causal language modelling.
    return 2 if term.mode else 1


def _mode_token(term: Term, special: SpecialTokens) -> int | None:
    if term.mode and term.mode not in special.modes:
        raise UserError(
            f"the tokenizer has no token for the mode of {term}", expected=f"<mode_{term.mode}>",
            got=", ".join(special.modes) or "none", fix="add it to the tokenizer, or leave the mode out",
        )  # fmt: skip
    return special.modes.get(term.mode)
