"""Does a number at an early checkpoint already put the runs in the order of their final outcomes?

Source: DataDecide (Magnusson et al. 2025, arXiv 2504.11393), who call the accuracy over pairs decision accuracy.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from ptp_core.predict.audit.checkpoints import SAME
from ptp_core.predict.dynamics.cells import whole
from ptp_core.predict.dynamics.intervals import Floats
from ptp_core.predict.dynamics.runs import Runs
from ptp_core.predict.judge.early import EARLY_SHARE, FEWEST_FORECASTS
from ptp_core.predict.quantities import natural_order, own_scores
from ptp_core.stats.intervals import jackknife_intervals
from ptp_core.stats.pairs import pairwise_accuracy
from ptp_core.table.names import headlines

TUNED = "{outcome} (fine-tuned)"
"""How an outcome at an early checkpoint is called among the indicators."""


def early(runs: Runs, in_format: str | None, confidence: float) -> list[dict[str, Any]]:
    """A row per headline indicator and outcome; its points are the numbers of tokens that the runs have in common.

    ``accuracy``: share of the pairs of runs that the number at this checkpoint orders as the outcome at each run's
    last checkpoint does; ``ci95``: the jackknife's interval over runs (``jackknife_intervals``). ``share``: the median
    share of their tokens that the runs have seen; NaN where the end of one is not known. A checkpoint counts where
    80 % of the runs with the outcome, and at least four, have the number. An outcome forecasts itself where
    checkpoints on the way were fine-tuned. An exploration: no test is made.
    """
    values, last, better = _values(runs, in_format)
    of_kind = {kind: [n for k, n in values if k == kind] for kind in ("indicator", "outcome")}
    found = []
    for outcome in headlines(natural_order(set(of_kind["outcome"]))):
        final = _at_end(values["outcome", outcome]) * (1 if better["outcome", outcome] else -1)
        if len(final) < FEWEST_FORECASTS or final.nunique() < 2:
            continue
        sources = [("indicator", name) for name in headlines(natural_order(set(of_kind["indicator"])))]
        for kind, name in (*sources, ("outcome", outcome)):
            by_tokens = values[kind, name] * (1 if better[kind, name] else -1)
            points = list(_points(by_tokens, final, last, confidence, itself=kind == "outcome"))
            # A number that is known at the end only is no early one.
            if any(not point["share"] >= 1 - SAME for point in points):
                shown = name if kind == "indicator" else TUNED.format(outcome=name)
                found.append({"indicator": shown, "outcome": outcome, "points": points})
    return found


def _values(
    runs: Runs, in_format: str | None
) -> tuple[dict[tuple[str, str], pd.DataFrame], pd.Series[Any], dict[tuple[str, str], bool]]:
    """(kind, name) → (runs × tokens), the mean over seeds of the mean within one; run → tokens at its end; direction.

    Of a name that was scored in several prompt formats, that one counts; infinite tokens: not known, the end.
    """
    scores = own_scores(runs.scores)
    stated = scores["prompt_format"].notna()
    has_it = scores.groupby(["kind", "name"])["prompt_format"].transform(lambda f: (f == in_format).any())
    scores = scores[~stated | (scores["prompt_format"] == in_format) | ~has_it.astype(bool)]
    keyed = scores.assign(tokens=scores["tokens"].fillna(np.inf), seed=scores["seed"].astype("float64").fillna(-1))
    per_seed = keyed.groupby(["kind", "name", "run", "tokens", "seed"])["value"].mean()
    means = per_seed.groupby(level=[0, 1, 2, 3]).mean().reset_index()
    better = keyed.drop_duplicates(["kind", "name"])[["kind", "name", "higher_is_better"]].to_numpy().tolist()
    return (
        {
            (str(kind), str(name)): rows.pivot(index="run", columns="tokens", values="value")
            for (kind, name), rows in means.groupby(["kind", "name"])
        },
        keyed.groupby("run")["tokens"].max(),
        {(kind, name): bool(higher) for kind, name, higher in better},
    )


def _at_end(by_tokens: pd.DataFrame) -> pd.Series[Any]:
    """Run → its number at its last checkpoint that has one."""
    return by_tokens.sort_index(axis=1).ffill(axis=1).iloc[:, -1]


def _points(
    by_tokens: pd.DataFrame, final: pd.Series[Any], last: pd.Series[Any], confidence: float, itself: bool
) -> Iterator[dict[str, Any]]:
    for tokens in sorted(float(t) for t in by_tokens.columns.to_numpy(np.float64) if np.isfinite(t)):
        known = by_tokens[tokens].reindex(final.index).dropna()
        order = natural_order(set(known.index))
        ends = last[order].to_numpy(np.float64)
        share = float(np.median(tokens / np.where(np.isfinite(ends), ends, np.nan))) if order else 1.0
        enough = len(known) >= max(FEWEST_FORECASTS, EARLY_SHARE * len(final))
        if not enough or (itself and share >= 1 - SAME):
            continue
        number: Floats = known[order].to_numpy(np.float64)
        outcome: Floats = final[order].to_numpy(np.float64)
        pairs = pairwise_accuracy(number, outcome)
        if pairs.n_pairs:
            yield {
                "tokens": whole(tokens),
                "share": share,
                "accuracy": pairs.accuracy,
                "ci95": jackknife_intervals(number[:, None], outcome, confidence=confidence)[0].tolist(),
                "n_variants": len(order),
                "n_pairs": pairs.n_pairs,
            }
