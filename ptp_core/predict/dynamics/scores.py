"""Scores before and after fine-tuning at every checkpoint of every run: one row each, seeds and splits averaged."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ptp_core.errors import UserError, did_you_mean
from ptp_core.predict.dynamics.runs import Runs
from ptp_core.predict.quantities import natural_order
from ptp_core.spec.dynamics import Dynamics
from ptp_core.table.names import headline_of

PLACE = ["run", "tokens", "train_task", "test", "format"]
"""What a score is of; ``train_task`` is empty before fine-tuning, ``format`` where it is not known."""


def scores_of(runs: Runs) -> pd.DataFrame:
    """A row per score: ``PLACE``, kind, variant, value, error, n_items, n_seeds, family, higher; in that order.

    Rows that differ in split or family are averaged within a seed, then seeds are averaged. ``error`` is the standard
    error of the value: that over the items, which seeds share, and that of the mean over the seeds, where there are
    several; NaN where that over the items is not known. An outcome without a train task was tuned on what it is named
    for.
    """
    scores = runs.scores
    outcomes = frozenset(scores.loc[scores["kind"] == "outcome", "name"].astype(str))
    own = {name: headline_of(name, outcomes) for name in outcomes}
    stated = zip(scores["kind"], scores["name"], scores["train_task"], strict=True)
    rows = scores.assign(
        test=scores["name"].astype(str),
        train_task=[
            "" if kind != "outcome" else own[name] if pd.isna(task) else str(task) for kind, name, task in stated
        ],
        format=scores["prompt_format"].fillna("").astype(str),
        seed=scores["seed"].astype("float64").fillna(-1.0),
        n_items=scores["n_items"].astype("float64"),
        family=scores["family"].fillna("").astype(str),
    )
    key = [*PLACE, "kind", "variant"]
    per_seed = rows.groupby([*key, "seed"], dropna=False).agg(
        value=("value", "mean"), stderr=("stderr", "mean"), n_items=("n_items", "max"), family=("family", "first"),
        higher=("higher_is_better", "first"),
    )  # fmt: skip
    found = per_seed.groupby(level=key, dropna=False).agg(
        value=("value", "mean"), between=("value", "var"), stderr=("stderr", "mean"), n_items=("n_items", "max"),
        n_seeds=("value", "size"), family=("family", "first"), higher=("higher", "first"),
    ).reset_index()  # fmt: skip
    found["error"] = np.sqrt(found["stderr"] ** 2 + (found["between"] / found["n_seeds"]).fillna(0.0))
    return found.astype({"higher": bool})


def base_names(scores: pd.DataFrame, spec: Dynamics) -> dict[str, str]:
    """Outcome → the indicator that is its score before fine-tuning, where there is one.

    That which ``spec.base`` names, or else the first there is of: the same name, ``kshot_<outcome>``, and for a mean
    over a family ``mean_kshot_<family>``. Raises UserError for a name in ``spec.base`` that the table does not have.
    """
    names = {kind: set(scores.loc[scores["kind"] == kind, "test"]) for kind in ("indicator", "outcome")}
    _refuse_unknown(spec.base, names["outcome"], "dynamics.base", "outcome")
    for outcome, indicator in spec.base.items():
        _refuse_unknown([indicator], names["indicator"], f"dynamics.base.{outcome}", "indicator")
    found = {}
    for outcome in natural_order(names["outcome"]):
        options = (outcome, f"kshot_{outcome}", f"mean_kshot_{outcome.removeprefix('mean_')}")
        known = [name for name in options if name in names["indicator"]]
        if outcome in spec.base or known:
            found[outcome] = spec.base.get(outcome) or known[0]
    return found


def on_other_items(rows: pd.DataFrame, bases: Mapping[str, str]) -> list[str]:
    """Outcomes whose score before fine-tuning is of another part of the data than the one after it.

    ``rows`` are those of the table; a part that is not stated may be any.
    """
    stated = rows[rows["split"].notna()]
    parts = {kind: of.groupby("name")["split"].agg(set).to_dict() for kind, of in stated.groupby("kind")}
    before, after = parts.get("indicator", {}), parts.get("outcome", {})
    return [o for o, base in bases.items() if o in after and base in before and not after[o] & before[base]]


def _refuse_unknown(names: Mapping[str, str] | list[str], known: set[str], subject: str, kind: str) -> None:
    for name in names:
        if name not in known:
            raise UserError(f"no such {kind} in the table", subject=subject, got=name, fix=did_you_mean(name, known))


def format_of(scores: pd.DataFrame, bases: Mapping[str, str], spec: Dynamics) -> str | None:
    """The prompt format that figures are read in: the spec's, or ``default``, or the one that most outcomes have.

    Formats that base scores have as well go first. None where no score says its format. Raises UserError where the
    spec's is not in the table.
    """
    stated = scores[scores["format"] != ""]
    known = natural_order(set(stated["format"]))
    if spec.prompt_format is not None:
        if spec.prompt_format not in known:
            fix = did_you_mean(spec.prompt_format, known) if known else "leave it out: no score says its format"
            what = "no score is in this prompt format"
            raise UserError(what, subject="dynamics.prompt_format", got=spec.prompt_format, fix=fix)
        return spec.prompt_format
    tuned = stated[stated["kind"] == "outcome"]["format"].value_counts().to_dict()
    based = set(stated.loc[(stated["kind"] == "indicator") & stated["test"].isin(bases.values()), "format"])
    options = [name for name in known if name in based and name in tuned] or [n for n in known if n in tuned] or known
    return max(options, key=lambda name: (name == "default", tuned.get(name, 0))) if options else None
