"""Test sets whose right answers are probably all the same: an untrained model makes no error, or nothing but errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ptp_core.predict.audit.finding import Finding
from ptp_core.predict.audit.outcomes import NATURAL_CEILINGS
from ptp_core.predict.quantities import natural_order
from ptp_core.predict.wording import count
from ptp_core.table.names import headlines

EARLY = 0.1
"""A model that has seen at most this share of the tokens of the one that has seen most has hardly been trained."""

FLAWLESS = 0.9995
"""This share of the best value is it, but for the rounding of three digits."""

NEARLY, MOST = 0.98, 0.5
"""Most scores on such a test set are nearly the best there is …"""

POOR = 0.8
"""… while the same untrained model has below this share of the best value on the other test sets, by their median …"""

LOST, LOST_UNKNOWN, ERRORS = 0.01, 0.05, 3.0
"""… and a model with more training makes errors: it loses this share of the best value, the larger one where no
standard error is known, and so many standard errors."""

FEWEST_SCORES, FEWEST_MODELS, FEWEST_FLAWLESS = 4, 3, 3


def constant_labels(table: pd.DataFrame) -> list[Finding]:
    """A finding per test set on which models score as they can only where one answer is always right.

    Looked at are scores before fine-tuning that lie in 0 … 1 (or 0 … 100), and errors, taken from their worst value.
    Accused is a headline of which (a) the model that has seen the fewest tokens, at most a tenth of the most, makes no
    error in any prompt format, (b) though it is poor on the other test sets; (c) most scores are nearly flawless, and
    at least three of two models are, so that it is no accident; (d) yet a model with more training makes errors, beyond
    its noise. A set that is merely easy is learned: its least trained model is not flawless, or those after it are
    flawless as well. Where all scores are flawless nothing is said here, since they may be earned: ``at_bounds`` and
    ``lacking`` tell.

    The same with right and wrong exchanged accuses a set of which the untrained model, though not on others, has
    nothing right. But a set that is merely hard begins so, too, and is learned later: here (d) asks that a run that had
    some right, beyond its noise, later has nothing right again.
    """
    scores = _scores(table)
    if scores.empty:
        return []
    least = scores["tokens"].min()
    if not least <= EARLY * scores["tokens"].max():
        return []
    runs = _runs(scores)
    found = []
    for wrong in (False, True):
        seen = scores.assign(run=runs, share=1 - scores["share"] if wrong else scores["share"])
        untrained = seen[seen["tokens"] == least]
        for name in natural_order(set(untrained["name"])):
            own = untrained[untrained["name"] == name]["share"]
            others = untrained[(untrained["name"] != name) & untrained["compared"]].groupby("name")["share"].mean()
            if own.min() >= FLAWLESS and len(others) and others.median() < POOR:
                of_name = seen[seen["name"] == name]
                numbers = _numbers(of_name, least)
                later = of_name[of_name["tokens"] > least]
                if _is_repeated(numbers) and (_returns(later) if wrong else _is_lost(later)):
                    found.append(_finding(name, numbers, wrong))
    return found


def _scores(table: pd.DataFrame) -> pd.DataFrame:
    """A row per score of a headline with a natural best value, tokens known.

    name, variant, format, model, tokens, share and error (of the best value; 1 is flawless), and whether it is
    ``compared``: numbers in 0 … 100 that are better when lower may be losses, which say nothing of other test sets.
    """
    rows = table[(table["kind"] == "indicator") & table["checkpoint_tokens"].notna() & table["value"].notna()]
    rows = rows[rows["name"].isin(headlines(natural_order(set(rows["name"].astype(str)))))]
    bounds = rows.groupby("name")["value"].agg(["min", "max"])
    top = {
        name: next((t for t in NATURAL_CEILINGS if high <= t * (1 + 1e-9)), None) if low >= 0 else None
        for name, low, high in bounds.itertuples()
    }
    best = rows["name"].map(top).astype("float64")
    rising = rows["higher_is_better"].fillna(False).astype(bool)
    tokens, variant = rows["checkpoint_tokens"].astype("float64"), rows["variant"].astype(str)
    share = (rows["value"] / best).astype("float64")
    found = {
        "name": rows["name"],
        "variant": variant,
        "format": rows["prompt_format"].fillna("").astype(str),
        "model": variant + " " + tokens.astype(str),
        "tokens": tokens,
        "share": share.where(rising, 1 - share),
        "error": rows["stderr"] / best,
        "compared": rising | (best == 1),
    }
    return pd.DataFrame(found).dropna(subset=["share"])


def _runs(scores: pd.DataFrame) -> pd.Series:
    """Which checkpoints are of one run: those of a variant; or all, where each variant is one at tokens of its own."""
    tokens = scores.groupby("variant")["tokens"].agg(["nunique", "first"])
    single = bool((tokens["nunique"] == 1).all()) and tokens["first"].is_unique
    return scores["variant"].map(lambda variant: "" if single else variant)


def _numbers(scores: pd.DataFrame, least: float) -> dict[str, Any]:
    flawless = scores[scores["share"] >= FLAWLESS]
    return {
        "n_scores": len(scores),
        "n_models": int(scores["model"].nunique()),
        "n_flawless": len(flawless),
        "n_models_flawless": int(flawless["model"].nunique()),
        "share_nearly": float((scores["share"] >= NEARLY).mean()),
        "least": float(scores["share"].min()),
        "fewest_tokens": float(least),
        "most_tokens": float(scores["tokens"].max()),
    }


def _is_repeated(numbers: dict[str, Any]) -> bool:
    enough = numbers["n_scores"] >= FEWEST_SCORES and numbers["n_models"] >= FEWEST_MODELS
    shared = numbers["n_flawless"] >= FEWEST_FLAWLESS and numbers["n_models_flawless"] >= 2
    return bool(enough and shared and np.greater_equal(numbers["share_nearly"], MOST))


def _is_lost(later: pd.DataFrame) -> bool:
    share, error = later["share"].to_numpy(np.float64), later["error"].to_numpy(np.float64)
    noise = np.where(np.isnan(error), LOST_UNKNOWN, np.fmax(LOST, ERRORS * error))
    return bool((share < 1 - noise).any())


def _returns(later: pd.DataFrame) -> bool:
    """Whether a run makes fewer errors for a while, beyond noise, and then nothing but errors again."""
    for _, rows in later.groupby(["run", "format"]):
        share, error = rows["share"].to_numpy(np.float64), rows["error"].to_numpy(np.float64)
        away = share < 1 - np.fmax(LOST_UNKNOWN, ERRORS * np.nan_to_num(error)) + 1e-9
        tokens = rows["tokens"].to_numpy(np.float64)
        if away.any() and (share[tokens > tokens[away].min()] >= FLAWLESS).any():
            return True
    return False


def _finding(name: str, numbers: dict[str, Any], wrong: bool) -> Finding:
    have = "have nothing right" if wrong else "are without error"
    other = "is not so on" if wrong else "is poor on"
    end = f"{1 - numbers['least']:.3f}" if wrong else f"{numbers['least']:.3f}"
    then = "rises as high as" if wrong else "falls as low as"
    rest = ", only to be lost again" if wrong else ""
    which = "or they are not read from what models answer: " if wrong else ""
    return Finding(
        kind="constant_labels",
        severity="warning",
        sentence=f"The right answers of {name} are probably all the same{', ' if wrong else ': '}{which}before "
        f"fine-tuning {numbers['n_flawless']} of {count(numbers['n_scores'], 'score')} {have}, already after "
        f"{numbers['fewest_tokens']:,.0f} tokens, where the same model {other} other test sets, and with more training "
        f"the score {then} {end} of the best value{rest}. Look at its gold labels: a score on it says which answer a "
        "model prefers, not what it knows.",
        indicators=(name,),
        numbers=numbers | {"wrong": wrong},
    )
