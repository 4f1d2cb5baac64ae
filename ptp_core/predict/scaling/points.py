"""The tidy table turned into points of a scaling study: size, tokens, compute, losses and scores by checkpoint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ptp_core.errors import UserError, did_you_mean
from ptp_core.predict.quantities import natural_order, own_scores
from ptp_core.predict.wording import listed
from ptp_core.spec.scaling import RunSize, Scaling
from ptp_core.spec.wild import fits
from ptp_core.table.lines import as_count

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
NEAR_THE_END = 0.95
"""A number measured after this share of a run's tokens is one of its end."""
FLOPS_PER_PARAMETER_AND_TOKEN = 6.0
"""Forward and backward pass (Kaplan et al. 2020); what stands in where no compute is given."""


@dataclass(frozen=True)
class Points:
    """Checkpoints of runs in the order of runs, then tokens; arrays are (points,), NaN is not measured."""

    runs: tuple[str, ...]
    groups: tuple[str, ...]
    """Of each run, the value of the group column; "" where there is none."""
    run: Ints
    """Index into ``runs``."""
    params: Floats
    tokens: Floats
    """Tokens seen."""
    compute: Floats
    """FLOPs spent."""
    values: dict[str, Floats]
    """Losses and scores by name."""
    higher_is_better: dict[str, bool]
    shares: Floats
    """(runs, sources), rows that add up to 1; (runs, 0) without a law of the mixture."""

    def of_runs(self, wanted: Iterable[str]) -> Points:
        """The same for some of the runs."""
        chosen = set(wanted)
        kept = [i for i, name in enumerate(self.runs) if name in chosen]
        number = {old: new for new, old in enumerate(kept)}
        mask = np.isin(self.run, kept)
        return replace(
            self,
            runs=tuple(self.runs[i] for i in kept),
            groups=tuple(self.groups[i] for i in kept),
            run=np.array([number[i] for i in self.run[mask].tolist()], dtype=np.int64),
            params=self.params[mask],
            tokens=self.tokens[mask],
            compute=self.compute[mask],
            values={name: column[mask] for name, column in self.values.items()},
            shares=self.shares[kept],
        )

    def ends(self, last: int = 1) -> Points:
        """One point a run: its last checkpoint, every value the mean of its last ``last`` that are measured.

        NaN for what was not measured near the end: an earlier number would pass for one of the whole compute.
        """
        order = [np.flatnonzero(self.run == i) for i in range(len(self.runs))]
        end = np.array([rows[-1] for rows in order], dtype=np.int64)
        return replace(
            self,
            run=np.arange(len(self.runs), dtype=np.int64),
            params=self.params[end],
            tokens=self.tokens[end],
            compute=self.compute[end],
            values={
                name: np.array([_mean_of_last(column[rows], self.tokens[rows], last) for rows in order])
                for name, column in self.values.items()
            },
        )

    def unfinished(self) -> dict[str, list[str]]:
        """Name of a value → runs that have it on the way and not at the end."""
        ends = self.ends()
        measured = {name: {self.runs[i] for i in self.run[np.isfinite(v)]} for name, v in self.values.items()}
        return {
            name: lost
            for name, some in measured.items()
            if (
                lost := [
                    run for run, v in zip(self.runs, ends.values[name], strict=True) if run in some and np.isnan(v)
                ]
            )
        }


def _mean_of_last(values: Floats, tokens: Floats, last: int) -> float:
    known = np.isfinite(values)
    if not known.any() or tokens[known][-1] < NEAR_THE_END * tokens[-1]:
        return float("nan")
    return float(values[known][-last:].mean())


def matching(patterns: Iterable[str], names: Iterable[str], what: str) -> tuple[str, ...]:
    """The names that any pattern stands for, each once, in the order of the patterns; * and ? are wild.

    Raises UserError for a pattern that stands for none; ``what`` says which field of the spec it comes from.
    """
    known = list(names)
    found: dict[str, None] = {}
    for pattern in patterns:
        hits = [pattern] if pattern in known else [name for name in known if fits(name, pattern)]
        if not hits:
            raise UserError(f'nothing is called "{pattern}"', subject=what, fix=did_you_mean(pattern, known))
        found |= dict.fromkeys(hits)
    return tuple(found)


def points_of(table: pd.DataFrame, spec: Scaling) -> Points:
    """The points behind a ``scaling`` section; seeds, splits and prompt formats of one checkpoint are averaged.

    Raises UserError for a run without parameters or tokens, a name in the spec that the table does not have, and
    losses or shares that make no sense.
    """
    scores = own_scores(table)
    names = natural_order(set(scores["name"].astype(str)))
    losses = matching(spec.losses, names, "scaling.losses")
    scored = matching(spec.target_options, names, "scaling.targets")
    read_off = tuple(t.loss for t in spec.target_options.values() if t.loss)
    domains = matching(spec.mixture.losses, names, "scaling.mixture.losses") if spec.mixture else ()
    read_off = matching(read_off, names, "scaling.targets")
    wanted = dict.fromkeys((*losses, *domains, *read_off, *scored))
    rows = scores[scores["name"].isin(wanted)]
    config = table[table["kind"] == "config"]
    ends = _ends(rows, config, spec)
    means = _means(rows, ends)
    runs = tuple(natural_order({str(run) for run, _ in means.index}))
    means = means.reindex(sorted(means.index, key=lambda key: (runs.index(key[0]), key[1])))
    run = np.array([runs.index(name) for name, _ in means.index], dtype=np.int64)
    tokens = np.array([float(seen) for _, seen in means.index])
    params, last, flops = (np.array([ends[name][i] for name in runs])[run] for i in range(3))
    # A checkpoint on the way has spent its share of the whole run's compute.
    compute = np.where(np.isnan(flops), FLOPS_PER_PARAMETER_AND_TOKEN * params * tokens, flops * tokens / last)
    better = rows.groupby("name")["higher_is_better"].first()
    points = Points(
        runs=runs,
        groups=_groups(config, runs, spec.group),
        run=run,
        params=params,
        tokens=tokens,
        compute=compute,
        values={name: means[name].to_numpy(dtype=np.float64) for name in wanted},
        higher_is_better={name: bool(better[name]) for name in wanted},
        shares=_shares(config, runs, spec),
    )
    _refuse_impossible_losses(points, (*losses, *domains, *read_off))
    return points


def _ends(rows: pd.DataFrame, config: pd.DataFrame, spec: Scaling) -> dict[str, tuple[float, float, float]]:
    """Run → its parameters, its tokens and its FLOPs (NaN where not known) at the end."""
    compute = spec.compute or "flops"
    columns = {column: _numbers(config, column) for column in (spec.params, spec.tokens, compute)}
    if spec.compute is not None and not columns[spec.compute]:
        fix = did_you_mean(spec.compute, set(config["name"].astype(str)))
        raise UserError(f'no configuration column "{spec.compute}"', subject="scaling.compute", fix=fix)
    matching(spec.runs, set(rows["variant"].astype(str)), "scaling.runs")
    seen = rows.groupby("variant")["checkpoint_tokens"].max()
    found, lacking = {}, []
    for run in natural_order(set(rows["variant"].astype(str))):
        size = _size(run, spec.runs)
        params = size.params or columns[spec.params].get(run, np.nan)
        tokens = size.tokens or columns[spec.tokens].get(run, np.nan)
        if np.isnan(tokens) and not pd.isna(seen[run]):
            tokens = float(seen[run])
        if np.isnan(params) or np.isnan(tokens):
            lacking.append((run, "params" if np.isnan(params) else "tokens"))
            continue
        if params <= 0 or tokens <= 0:
            got = {"params": params, "tokens": tokens}
            raise UserError(f"{run} has a size that is not above 0", subject="scaling.params", got=got)
        flops = size.flops or columns[compute].get(run, np.nan)
        if flops <= 0:
            raise UserError(f"{run} has FLOPs that are not above 0", subject="scaling.compute", got=flops)
        found[run] = (float(params), float(tokens), float(flops))
    if lacking:
        run, field = lacking[0]
        raise UserError(
            f"no {field} for {listed([name for name, _ in lacking[:5]])}{' …' if len(lacking) > 5 else ''}, so that "
            "their compute is not known",
            subject="scaling",
            expected=f'a configuration column "{getattr(spec, field)}" with a number for each run',
            fix=f'map it under `config`, name another column as `scaling.{field}`, or write scaling.runs: {{"{run}": '
            f"{{{field}: …}}}}",
        )
    return found


def _size(run: str, sizes: dict[str, RunSize]) -> RunSize:
    """What the spec says of a run: its own entry, or else the first pattern that it fits."""
    exact = sizes.get(run)
    return exact or next((size for pattern, size in sizes.items() if fits(run, pattern)), RunSize())


def _numbers(config: pd.DataFrame, column: str) -> dict[str, float]:
    """Variant → its number in a configuration column; 1.4B is understood, other words are left out."""
    found: dict[str, float] = {}
    for run, value, text in config.loc[config["name"] == column, ["variant", "value", "text"]].itertuples(index=False):
        number = float(value) if not pd.isna(value) else as_count(text if isinstance(text, str) else "")
        if number is not None:
            found.setdefault(str(run), number)
    return found


def _means(rows: pd.DataFrame, ends: dict[str, tuple[float, float, float]]) -> pd.DataFrame:
    """(run, tokens) × name: the mean within a seed, then over seeds; a name that is both counts as an indicator."""
    seen = rows["checkpoint_tokens"].astype("float64").fillna(rows["variant"].map(lambda run: ends[run][1]))
    keyed = rows.assign(seen=seen, seed=rows["seed"].fillna(-1))
    kind = keyed.groupby("name")["kind"].transform("min")  # "indicator" comes before "outcome"
    keyed = keyed[keyed["kind"] == kind]
    per_seed = keyed.groupby(["variant", "seen", "name", "seed"])["value"].mean()
    return per_seed.groupby(level=[0, 1, 2]).mean().unstack("name")


def _groups(config: pd.DataFrame, runs: tuple[str, ...], column: str | None) -> tuple[str, ...]:
    if column is None:
        return ("",) * len(runs)
    rows = config[config["name"] == column]
    if rows.empty:
        fix = did_you_mean(column, set(config["name"].astype(str)))
        raise UserError(f'no configuration column "{column}"', subject="scaling.group", fix=fix)
    shown = {
        str(run): text if isinstance(text, str) else f"{value:g}"
        for run, value, text in rows[["variant", "value", "text"]].itertuples(index=False)
    }
    return tuple(shown.get(run, "") for run in runs)


def _shares(config: pd.DataFrame, runs: tuple[str, ...], spec: Scaling) -> Floats:
    if spec.mixture is None:
        return np.empty((len(runs), 0))
    columns = []
    for column in spec.mixture.columns.values():
        numbers = _numbers(config, column)
        if not numbers:
            fix = did_you_mean(column, set(config["name"].astype(str)))
            raise UserError(f'no configuration column "{column}"', subject="scaling.mixture.sources", fix=fix)
        columns.append([numbers.get(run, np.nan) for run in runs])
    weights = np.array(columns, dtype=np.float64).T
    total = weights.sum(axis=1, keepdims=True)
    wrong = ~np.isfinite(total[:, 0]) | (weights < 0).any(axis=1) | (total[:, 0] <= 0)
    if wrong.any():
        bad = runs[int(np.flatnonzero(wrong)[0])]
        what = "the shares of a run must be numbers ≥ 0 that do not all vanish"
        raise UserError(what, subject=bad, got=dict(zip(spec.mixture.columns, weights[wrong][0].tolist(), strict=True)))
    shares: Floats = weights / total
    return shares


def _refuse_impossible_losses(points: Points, losses: Iterable[str]) -> None:
    for name in dict.fromkeys(losses):
        if points.higher_is_better[name]:
            fix = "map it with higher_is_better: false, or name another as loss"
            raise UserError(f"{name} is read as higher is better, so it is no loss", subject="scaling.losses", fix=fix)
        bad = np.flatnonzero(points.values[name] <= 0)
        if len(bad):
            at = int(bad[0])
            raise UserError(
                f"{name} of {points.runs[points.run[at]]} is not above 0, and the law of a loss is one of powers",
                subject="scaling.losses",
                got=float(points.values[name][at]),
                fix="give losses in nats or bits, not their logarithms or differences",
            )
