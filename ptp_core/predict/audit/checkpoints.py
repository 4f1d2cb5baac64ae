"""Variants compared at different places of their training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from ptp_core.predict.audit.finding import Finding
from ptp_core.predict.quantities import Measured, natural_order, own_scores
from ptp_core.predict.wording import listed, number
from ptp_core.table.names import headline_of

TOKENS = ("tokens", "train_tokens", "training_tokens", "pretrain_tokens", "total_tokens", "max_tokens")
"""Configuration columns that say how many tokens a variant is trained on in all."""

SAME = 0.005
"""A checkpoint this share of the training before its end is the end: steps are not cut finer."""


def mixed_checkpoints(table: pd.DataFrame, data: Measured) -> list[Finding]:
    """Numbers measured at the end of some variants' training and on the way in others', or after unequal tokens.

    A checkpoint on the way is one before the end of its variant's training, which is the largest of what the
    configuration says (``TOKENS``) and of all checkpoints of the variant in the table; a missing number of tokens
    means the end. A checkpoint on the way is worse than a model whose learning rate has decayed after as many tokens
    (EvoLM, arXiv 2506.16029), so the two do not compare like with like. Ends after unequal numbers of tokens are a
    note: that may be what is studied. Numbers with the same variants on the way share a finding.
    """
    last = _last(own_scores(table))
    ends = _ends(table, data)
    groups: dict[tuple[tuple[str, ...], tuple[float, float] | None], list[tuple[str, str]]] = {}
    for (kind, name), tokens in last.items():
        early = tuple(natural_order({v for v, t in tokens.items() if t < (1 - SAME) * ends[v]}))
        spread = _spread(tokens.values())
        if len(early) == len(tokens) and spread is None:
            continue
        mixed = 0 < len(early) < len(tokens)
        if mixed or spread:
            groups.setdefault((early if mixed else (), spread), []).append((kind, name))
    return [_finding(early, spread, names, data) for (early, spread), names in groups.items()]


def _last(scores: pd.DataFrame) -> dict[tuple[str, str], dict[str, float]]:
    """(kind, name) → variant → tokens of its last checkpoint; infinite: the end."""
    tokens = scores["checkpoint_tokens"].astype("float64").fillna(np.inf)
    last = tokens.groupby([scores["kind"], scores["name"], scores["variant"]]).max().rename("tokens").reset_index()
    found: dict[tuple[str, str], dict[str, float]] = {}
    for kind, name, variant, value in last.to_numpy().tolist():
        found.setdefault((kind, name), {})[variant] = value
    return found


def _ends(table: pd.DataFrame, data: Measured) -> dict[str, float]:
    """Variant → tokens at the end of its training, as far as the table can tell; infinite: a missing number."""
    scores = table[table["kind"] != "config"]
    tokens = scores["checkpoint_tokens"].astype("float64").fillna(np.inf)
    ends = tokens.groupby(scores["variant"]).max().to_dict()
    for column in TOKENS:
        for variant, value in zip(data.variants, data.numbers.get(column, ()), strict=False):
            # A missing number of tokens is the end whatever it is: every known one is then held against the settings.
            known = ends[variant] if np.isfinite(ends[variant]) else 0.0
            ends[variant] = max(known, float(value)) if np.isfinite(value) else ends[variant]
    return {str(variant): float(end) for variant, end in ends.items()}


def _spread(tokens: Iterable[float]) -> tuple[float, float] | None:
    """Smallest and largest known number of tokens, if they differ."""
    known = [t for t in tokens if np.isfinite(t)]
    return (min(known), max(known)) if known and min(known) < (1 - SAME) * max(known) else None


def _finding(
    early: tuple[str, ...], spread: tuple[float, float] | None, names: list[tuple[str, str]], data: Measured
) -> Finding:
    known = {"indicator": data.indicators, "outcome": data.outcomes}
    # Of a headline that is named its further quantities say the same.
    heads = [(kind, name) for kind, name in names if _is_first(kind, name, names, known)]
    told = listed([name for _, name in heads]) + (" was" if len(heads) == 1 else " were")
    numbers = {
        "n_on_the_way": len(early),
        "n_variants": len(data.variants),
        "fewest_tokens": spread[0] if spread else None,
        "most_tokens": spread[1] if spread else None,
    }
    if early:
        sentence = (
            f"{told} measured on the way for variants {listed(early)} and at the end of training for "
            "others: a checkpoint whose learning rate has not decayed looks worse than it would at its end."
        )
    else:
        assert spread is not None
        sentence = (
            f"{told} measured after different numbers of pre-training tokens "
            f"({number(spread[0])} to {number(spread[1])}); each variant's last counts."
        )
    return Finding(
        kind="mixed_checkpoints",
        severity="warning" if early else "note",
        sentence=sentence,
        variants=early,
        indicators=tuple(name for kind, name in heads if kind == "indicator"),
        outcomes=tuple(name for kind, name in heads if kind == "outcome"),
        numbers=numbers,
    )


def _is_first(kind: str, name: str, names: list[tuple[str, str]], known: Mapping[str, Mapping[str, object]]) -> bool:
    head = headline_of(name, known[kind])
    return head == name or (kind, head) not in names
