"""Looks at a table, with no hint, for what would make a verdict on it wrong."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ptp_core.predict.audit import few
from ptp_core.predict.audit.checkpoints import mixed_checkpoints
from ptp_core.predict.audit.collapse import collapses, diverged
from ptp_core.predict.audit.confounds import confounds
from ptp_core.predict.audit.copies import duplicates
from ptp_core.predict.audit.dependence import dependence
from ptp_core.predict.audit.finding import Audit, Finding, in_order
from ptp_core.predict.audit.labels import constant_labels
from ptp_core.predict.audit.leaks import shared_items
from ptp_core.predict.audit.outcomes import at_bounds, seed_noise, tied
from ptp_core.predict.quantities import Measured
from ptp_core.predict.wording import number
from ptp_core.spec.select import Select


def audit(table: pd.DataFrame, data: Measured, select: Select, chance: Mapping[str, float]) -> Audit:
    """Everything found in ``table`` as it was given, all variants; ``data`` is ``measured(table)``.

    ``chance``: outcome → its value for a guesser; ``select.chance`` goes before it. ``select.leave_out`` says what
    becomes of copies and collapsed variants. The order of the table's rows does not matter; names of variants matter
    only in which of several copies, the first in natural order, is kept.
    """
    copies = duplicates(data, "duplicates" in select.leave_out)
    mixed = mixed_checkpoints(table, data)
    findings: list[Finding] = [
        *few.strangers(data),
        *copies,
        *collapses(data, "collapsed" in select.leave_out),
        *diverged(table, data),
        *constant_labels(table),
        *dependence(data, aside=[variant for finding in copies for variant in _all_but_kept(finding)]),
        *shared_items(table, data),
        *confounds(data, select),
        *mixed,
        *at_bounds(data, select, chance),
        *seed_noise(data, select.confidence),
        *tied(data, select.convention),
        *few.few_variants(data),
        *few.single_runs(data),
        *few.one_pretraining(data),
        *few.lacking(data),
        *few.averaged(data, checkpoints_said=bool(mixed)),
    ]
    reasons = _left_out(findings)
    left_out = {variant: reasons[variant] for variant in data.variants if variant in reasons}
    return Audit(len(data.variants), in_order(findings), left_out)


def _all_but_kept(copies: Finding) -> list[str]:
    return [variant for variant in copies.variants if variant != copies.numbers["kept"]]


def _left_out(findings: list[Finding]) -> dict[str, str]:
    """Variant → the first reason found."""
    reasons: dict[str, str] = {}
    for finding in findings:
        if finding.action != "left out":
            continue
        if finding.kind == "duplicates":
            kept = finding.numbers["kept"]
            reasons = dict.fromkeys(_all_but_kept(finding), f"the same numbers as {kept}") | reasons
        else:
            (name,) = (*finding.outcomes, *finding.indicators)
            value, median = number(finding.numbers["value"]), number(finding.numbers["median"])
            reasons.setdefault(finding.variants[0], f"collapsed on {name}: {value}, where the median is {median}")
    return reasons
