"""Which runs laws are fitted on, and which they are to predict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ptp_core.errors import UserError, did_you_mean
from ptp_core.predict.scaling.laws.forms import Inputs
from ptp_core.predict.scaling.points import FLOPS_PER_PARAMETER_AND_TOKEN, Floats, Points, matching
from ptp_core.predict.wording import listed
from ptp_core.spec.scaling import Scaling

Role = Literal["fit", "fit_scores", "held_out", "prospect", "other"]
FEWEST_RUNS = 3
"""Through two runs any law with two parameters passes."""
SAME_SIZE = 1.05
"""Sizes that differ by less are one: the vocabulary, say, is padded differently."""


@dataclass(frozen=True)
class Roles:
    """Names of runs, in the order of the points."""

    fit: tuple[str, ...]
    fit_scores: tuple[str, ...]
    held_out: tuple[str, ...]

    @property
    def fitted(self) -> tuple[str, ...]:
        """Runs that losses or scores are fitted on."""
        return tuple(dict.fromkeys((*self.fit, *self.fit_scores)))

    def of(self, run: str) -> Role:
        """The role of a run of the table."""
        if run in self.fit:
            return "fit"
        if run in self.fit_scores:
            return "fit_scores"
        return "held_out" if run in self.held_out else "other"


@dataclass(frozen=True)
class Aims:
    """What is to be predicted in one group: runs that were measured, then prospects; arrays are (aims,)."""

    names: tuple[str, ...]
    roles: tuple[Role, ...]
    params: Floats
    tokens: Floats
    compute: Floats

    @property
    def inputs(self) -> Inputs:
        """What laws of size, tokens and compute read."""
        return Inputs(self.params, self.tokens, self.compute)


def roles_of(points: Points, ends: Points, spec: Scaling) -> Roles:
    """Runs by role, from the spec or by default: the largest size of each group is held out, the rest fitted.

    Raises UserError for names that are not there, a run that is both fitted and held out, and fewer than three fitted
    runs in every group.
    """
    held_out = matching(spec.hold_out, points.runs, "scaling.hold_out") if spec.hold_out else ()
    fit = matching(spec.fit, points.runs, "scaling.fit") if spec.fit else ()
    scored = matching(spec.fit_scores, points.runs, "scaling.fit_scores") if spec.fit_scores else ()
    if spec.hold_out is None:
        held_out = tuple(run for run in _largest(ends) if run not in (*fit, *scored))
    fit = fit or tuple(run for run in points.runs if run not in held_out and run not in scored)
    both = [run for run in held_out if run in (*fit, *scored)]
    if both:
        raise UserError(
            f"{listed(both)} would be fitted and held out",
            subject="scaling.hold_out",
            fix="a run that a law is fitted on says nothing about its error; take it out of one of the two",
        )
    roles = Roles(*(_ordered(names, points.runs) for names in (fit, scored or fit, held_out)))
    _refuse_few(points, roles)
    return roles


def _ordered(names: Iterable[str], runs: tuple[str, ...]) -> tuple[str, ...]:
    chosen = set(names)
    return tuple(run for run in runs if run in chosen)


def _largest(ends: Points) -> list[str]:
    """Runs of the largest size of each group; where all sizes are one, the run with the most compute."""
    found = []
    for group in dict.fromkeys(ends.groups):
        of = np.array([i for i, name in enumerate(ends.groups) if name == group])
        measure = ends.params if len(set(steps(ends.params[of]).tolist())) > 1 else ends.compute
        found += [ends.runs[i] for i in of if measure[i] * SAME_SIZE > measure[of].max()]
    return found


def steps(sizes: Floats) -> Floats:
    """Each size's place among the sizes, from 0, those within a few per cent being one; (n,) -> (n,)."""
    order = np.argsort(sizes, kind="stable")
    jumps = np.r_[False, sizes[order][1:] > SAME_SIZE * sizes[order][:-1]]
    place = np.empty(len(sizes))
    place[order] = np.cumsum(jumps)
    return place


def _refuse_few(points: Points, roles: Roles) -> None:
    counts = {g: sum(points.groups[points.runs.index(run)] == g for run in roles.fit) for g in set(points.groups)}
    most = max(counts.values(), default=0)
    if most < FEWEST_RUNS:
        raise UserError(
            "too few runs are fitted" + (" in any group" if len(counts) > 1 else ""),
            subject="scaling.fit",
            expected=f"at least {FEWEST_RUNS}",
            got=most,
            fix="measure more sizes, or hold out fewer runs (scaling.hold_out); what is held out now: "
            + (listed(roles.held_out) or "none"),
        )


def aims_of(ends: Points, roles: Roles, spec: Scaling, group: str) -> Aims:
    """The held-out runs of a group and its prospects; a prospect's FLOPs are counted as those of the runs are.

    Raises UserError for a prospect that is called as a run is, or of no known group.
    """
    of = [i for i, run in enumerate(ends.runs) if run in roles.held_out and ends.groups[i] == group]
    mine = [i for i, name in enumerate(ends.groups) if name == group]
    per_token = np.median(ends.compute[mine] / (ends.params[mine] * ends.tokens[mine])) if mine else np.nan
    each = per_token if np.isfinite(per_token) and per_token > 0 else FLOPS_PER_PARAMETER_AND_TOKEN
    prospects = {name: p for name, p in spec.predict.items() if _group_of(name, ends, spec) == group}
    params = np.array([*ends.params[of], *(float(p.params) for p in prospects.values())])
    tokens = np.array([*ends.tokens[of], *(float(p.tokens) for p in prospects.values())])
    own = np.array([*ends.compute[of], *(each * p.params * p.tokens for p in prospects.values())])
    names = (*(ends.runs[i] for i in of), *prospects)
    kinds: list[Role] = ["held_out" if name in ends.runs else "prospect" for name in names]
    return Aims(names, tuple(kinds), params, tokens, own)


def _group_of(name: str, ends: Points, spec: Scaling) -> str:
    known = set(ends.groups)
    asked = spec.predict[name].group
    subject = f"scaling.predict.{name}"
    if name in ends.runs:
        raise UserError("a run of the table is called so", subject=subject, fix="give the prospect another name")
    if asked is None and len(known) == 1:
        return next(iter(known))
    if asked is None:
        fix = f"write group: one of {listed(sorted(known))}"
        raise UserError("there are several groups of runs", subject=f"{subject}.group", fix=fix)
    if asked not in known:
        raise UserError("no such group", subject=f"{subject}.group", got=asked, fix=did_you_mean(asked, known))
    return asked
