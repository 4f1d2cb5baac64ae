"""Which variants are the checkpoints of one pre-training run, and after how many tokens each was saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ptp_core.errors import UserError
from ptp_core.predict.audit.checkpoints import TOKENS
from ptp_core.predict.quantities import measured, natural_order
from ptp_core.predict.scaling.points import matching
from ptp_core.predict.wording import listed
from ptp_core.spec.dynamics import Dynamics
from ptp_core.table.columns import KEY


@dataclass(frozen=True)
class Runs:
    """The rows of the table that are read, under the names of runs."""

    table: pd.DataFrame
    """As the table, in the order of ``KEY``, with two columns more: ``run`` and ``tokens`` (NaN: not known)."""
    variants: dict[str, tuple[str, ...]]
    """Run → the variants that are its checkpoints; one where a variant was measured after several numbers of tokens."""

    @property
    def scores(self) -> pd.DataFrame:
        """Indicators and outcomes."""
        return self.table[self.table["kind"] != "config"]


def runs_of(table: pd.DataFrame, spec: Dynamics) -> Runs:
    """Variants gathered into runs as ``spec.trajectories`` says; without it every variant is a run of its own.

    A missing number of tokens means the end of training: it is taken from the configuration (``TOKENS``) where that
    has it. Raises UserError for a trajectory that names no variant or one that another has, whose checkpoints cannot
    be put in order, or of which two were saved after equal numbers of tokens.
    """
    table = table.sort_values(list(KEY), na_position="first", kind="stable").reset_index(drop=True)
    names = natural_order(set(table["variant"].astype(str)))
    variants = _trajectories(spec.trajectories, names) or {name: (name,) for name in names}
    run_of = {variant: run for run, members in variants.items() for variant in members}
    runs = table["variant"].map(run_of)
    tokens = table["checkpoint_tokens"].astype("float64")
    if tokens[table["kind"] != "config"].isna().any():
        tokens = tokens.fillna(table["variant"].map(_ends(table)))
    kept = runs.notna()
    found = Runs(table[kept].assign(run=runs[kept].astype(str), tokens=tokens[kept]), variants)
    for run, members in variants.items():
        if len(members) > 1:
            _refuse_unordered(found.scores[found.scores["run"] == run], run)
    return found


def _trajectories(patterns: Mapping[str, tuple[str, ...]], names: list[str]) -> dict[str, tuple[str, ...]]:
    found = {run: matching(wanted, names, f"dynamics.trajectories.{run}") for run, wanted in patterns.items()}
    owner: dict[str, str] = {}
    for run, members in found.items():
        for variant in members:
            if owner.setdefault(variant, run) != run:
                what = f"{variant} is a checkpoint of {owner[variant]} and of {run}"
                raise UserError(what, subject="dynamics.trajectories", fix="a checkpoint belongs to one run")
    return found


def _ends(table: pd.DataFrame) -> dict[str, float]:
    """Variant → tokens at its end, as far as the configuration says."""
    data = measured(table)
    columns = [data.numbers[column] for column in TOKENS if column in data.numbers]
    if not columns:
        return {}
    known = np.array(columns)
    return {v: float(np.nanmax(c)) for v, c in zip(data.variants, known.T, strict=True) if np.isfinite(c).any()}


def _refuse_unordered(scores: pd.DataFrame, run: str) -> None:
    subject = f"dynamics.trajectories.{run}"
    unknown = natural_order(set(scores.loc[scores["tokens"].isna(), "variant"].astype(str)))
    if unknown:
        raise UserError(
            f"after how many tokens {listed(unknown)} {'was' if len(unknown) == 1 else 'were'} saved is not known",
            subject=subject,
            expected="tokens for every checkpoint, since they are its place on the way",
            fix="map `tokens`, or `step` and `tokens_per_step`",
        )
    at = scores.groupby("tokens")["variant"].unique()
    shared = at[at.map(len) > 1]
    if len(shared):
        what = f"{listed(natural_order(set(shared.iloc[0])))} were saved after equal numbers of tokens"
        raise UserError(what, subject=subject, got=float(shared.index[0]), fix="keep one of them in this run")
