"""From the table to the selection: audit, every outcome's indicators, learned comparison, decision and verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ptp_core.errors import UserError, did_you_mean
from ptp_core.predict.audit.audit import audit
from ptp_core.predict.case import Case, case_of
from ptp_core.predict.decide.best import best, pairs_within_noise, ranking, standard_errors
from ptp_core.predict.decide.decision import decide
from ptp_core.predict.judge.claims import Claims, claims_of, correct
from ptp_core.predict.judge.early import early_of
from ptp_core.predict.judge.judging import judge
from ptp_core.predict.judge.noise import noise
from ptp_core.predict.learn.learning import Learned, learn
from ptp_core.predict.learn.transfer import transfer
from ptp_core.predict.parallel import side_by_side
from ptp_core.predict.published import beside_published
from ptp_core.predict.quantities import Measured, measured
from ptp_core.predict.standing import add_standing
from ptp_core.predict.verdict import verdict
from ptp_core.spec.select import Select

Progress = Callable[[str, float], None]
Outcomes = dict[str, dict[str, Any]]

MIN_VARIANTS = 4


class NothingToSelect(UserError):  # noqa: N818 (a mistake only where the study is about a selection)
    """There is no outcome, or too few variants have one."""


SHARES = {"judge": 0.2, "learn": 0.6, "again": 0.15, "decide": 0.05}
"""About how the time divides over the steps, for the progress bar; ``again``: on everything that was given."""


@dataclass
class Watch:
    """Tells ``progress`` what is being done and which share of the whole is behind."""

    progress: Progress | None
    n_outcomes: int
    behind: float = 0.0

    def say(self, outcome: str, what: str, share: float = 0.0) -> None:
        """``share`` of an outcome's step is done, on top of what is behind."""
        if self.progress:
            self.progress(f"{outcome}: {what}", min(1.0, self.behind + share / self.n_outcomes))

    def done(self, share: float) -> None:
        """An outcome's step that takes ``share`` of its time is behind."""
        self.behind += share / self.n_outcomes


def analyze(
    table: pd.DataFrame,
    select: Select,
    study: str,
    progress: Progress | None = None,
    chance: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """The selection of a study as a JSON-able dictionary, the same for any order of the table's rows.

    ``table`` is in the tidy schema. Intervals have the coverage ``confidence`` (0.95 unless the spec says otherwise,
    whatever the key ``ci95`` is called). Numbers that could not be computed are None. The key ``audit`` holds what
    the audit found in the table as it was given; variants that it leaves out are in ``left_out``, and ``as_given``
    then has the judgement of all of them. ``progress`` is told what is being done and which share of the work is
    behind; ``chance`` is what a guesser scores (outcome → value), where the spec says nothing else.

    Raises NothingToSelect when the table has no outcome or fewer than four variants have one, and UserError when the
    primary outcome or indicator, the nuisance factor, the clusters or another outcome that ``select`` names are not in
    the table.
    """
    if select.convention == "paper":
        select = select.model_copy(update={"leave_out": ()})
    data = measured(table)
    _refuse_without_outcome(data, table)
    primary = _primary(data, select)
    _refuse_unknown_outcomes(data, select)
    claims = claims_of(data, primary)
    watch = Watch(progress, len(data.outcomes))
    watch.say(next(iter(data.outcomes)), "audit of the table")
    found = audit(table, data, select, dict(chance or {}) | select.chance)
    left_out = found.left_out
    kept = data.without(left_out)
    cases = {name: case_of(kept, name) for name in kept.outcomes}
    for case in cases.values():
        _refuse_few(case, left_out)
    outcomes, learned = _outcomes(table, kept, cases, claims, select, watch)
    add_standing(outcomes, found.findings, select.confidence, (primary["outcome"], primary["indicator"]))
    for name, case in cases.items():
        watch.say(name, "decision")
        outcomes[name] |= _decision(case, outcomes[name], learned[name], select, kept)
        watch.done(SHARES["decide"])
    selection = {
        "study": study,
        "n_variants": len(kept.variants),
        "variants": list(kept.variants),
        "configuration": json_ready(_configuration(kept)),
        "left_out": [{"variant": variant, "reason": reason} for variant, reason in left_out.items()],
        "confidence": select.confidence,
        "convention": select.convention,
        "primary": primary,
        "confirmatory": {"outcomes": list(claims.outcomes), "indicators": list(claims.indicators)},
        "outcomes": json_ready(outcomes),
        "transfer": json_ready(transfer({name: cases[name] for name in claims.outcomes}, claims.indicators, select)),
        "as_given": json_ready(_as_given(table, data, claims, select, watch)) if left_out else None,
        "noise": json_ready(noise(table, kept)),
        "settings": select.model_dump(mode="json"),
        "audit": json_ready(found.as_json(study)),
    }
    selection["verdict"] = verdict(selection)
    selection["warnings"] = found.sentences()
    watch.behind = 1.0
    watch.say(name, "done")
    return selection


def _outcomes(
    table: pd.DataFrame,
    data: Measured,
    cases: Mapping[str, Case],
    claims: Claims,
    select: Select,
    watch: Watch,
    thorough: bool = True,
) -> tuple[Outcomes, dict[str, Learned]]:
    """Every outcome judged and learned, tests corrected over all of them."""
    outcomes: Outcomes = {}
    learned: dict[str, Learned] = {}
    watch.say("all outcomes", "intervals and tests of single indicators")
    judged = side_by_side(lambda case: judge(case, select, claims, early_of(table, data, case)), cases.values())
    watch.done(len(cases) * (SHARES["judge"] if thorough else SHARES["again"] / 3))
    share = SHARES["learn"] if thorough else SHARES["again"] * 2 / 3
    for (name, case), block in zip(cases.items(), judged, strict=True):

        def report(what: str, part: float, name: str = name) -> None:
            watch.say(name, f"learning to compare, {what}", share * part)

        # A further quantity of an outcome is explored only: the learned comparison takes most of the time.
        if name in claims.outcomes:
            learned[name] = learn(case, claims.indicators, select, thorough=thorough, report=report)
        else:
            learned[name] = Learned({}, np.full(len(case.variants), np.nan), np.full(len(case.variants), np.nan))
        watch.done(share)
        beside = beside_published(learned[name].block, name, select)
        outcomes[name] = {**_facts(case, data, select), **block, "learned": beside}
    correct(claims, outcomes)
    return outcomes, learned


def _as_given(table: pd.DataFrame, data: Measured, claims: Claims, select: Select, watch: Watch) -> dict[str, Any]:
    """The judgement with every variant kept, for comparison with the one that leaves some out."""
    cases = {name: case_of(data, name) for name in data.outcomes}
    outcomes, _ = _outcomes(table, data, cases, claims, select, watch, thorough=False)
    return {"n_variants": len(data.variants), "outcomes": outcomes}


def _decision(case: Case, block: Mapping[str, Any], learned: Learned, select: Select, data: Measured) -> dict[str, Any]:
    return {
        "ranking": ranking(
            list(case.variants), case.outcome, learned.borda, confidence=select.confidence, seed=select.seed
        ),
        "best": best(list(case.variants), case.outcome, select.seed),
        "decision": decide(case, block, learned.out_of_fold, select, data),
    }


def _configuration(data: Measured) -> dict[str, dict[str, Any]]:
    """Variant → setting → value."""
    columns = {**{name: values.tolist() for name, values in data.numbers.items()}, **data.words}
    return {variant: {name: values[i] for name, values in columns.items()} for i, variant in enumerate(data.variants)}


def _refuse_without_outcome(data: Measured, table: pd.DataFrame) -> None:
    if not data.outcomes:
        cross = (table["kind"] == "outcome").any()
        got = "only scores of models that were tuned on another task (train_task)" if cross else None
        fix = "map at least one outcome column"
        raise NothingToSelect("the table has no outcome", subject="measurements", got=got, fix=fix)


def _primary(data: Measured, select: Select) -> dict[str, str | None]:
    if select.primary is None:
        return {"outcome": next(iter(data.outcomes)), "indicator": None}
    asked = {"outcome": select.primary.outcome, "indicator": select.primary.indicator}
    for kind, known in (("outcome", data.outcomes), ("indicator", data.indicators)):
        name = asked[kind]
        if name is not None and name not in known:
            fix = did_you_mean(name, known)
            raise UserError(f"no such {kind} in the table", subject=f"select.primary.{kind}", got=name, fix=fix)
    return asked


def _refuse_unknown_outcomes(data: Measured, select: Select) -> None:
    """A misspelt outcome would leave its chance, its ceiling or what was published of it unused without a word."""
    named = {"chance": select.chance, "ceiling": select.ceiling}
    named |= {f"published.{name}": accuracies for name, accuracies in select.published.items()}
    for key, outcomes in named.items():
        for outcome in outcomes:
            if outcome not in data.outcomes:
                fix = did_you_mean(outcome, data.outcomes)
                raise UserError("no such outcome in the table", subject=f"select.{key}", got=outcome, fix=fix)


def _facts(case: Case, data: Measured, select: Select) -> dict[str, Any]:
    outcome = case.outcome
    return {
        "higher_is_better": outcome.higher_is_better,
        "n_variants": len(case.variants),
        "left_out": [name for name in data.variants if name not in case.variants],
        "values": dict(zip(case.variants, outcome.values.tolist(), strict=True)),
        "between_sd": float(outcome.values.std(ddof=1)),
        "seed_sd": outcome.seed_sd,
        "n_seeds": int(outcome.n_seeds.min()),
        "stderr_covers": standard_errors(outcome)[1],
        "pairs_within_noise": pairs_within_noise(outcome, select.confidence),
    }


def _refuse_few(case: Case, left_out: Mapping[str, str]) -> None:
    if len(case.variants) < MIN_VARIANTS:
        lost = f"; the audit left out {', '.join(left_out)} (select.leave_out)" if left_out else ""
        raise NothingToSelect(
            "too few variants have this outcome",
            subject=f"outcome {case.name}",
            expected=f"at least {MIN_VARIANTS}",
            got=len(case.variants),
            fix=f"measure it for more variants, or leave it out{lost}",
        )


def json_ready(value: Any) -> Any:
    """The same with None for NaN and infinity, which JSON lacks, and numbers to 12 digits: 1.94, not 1.93999999999."""
    if isinstance(value, Mapping):
        return {key: json_ready(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.12g}") if math.isfinite(value) else None
    return value
