"""The audit: what was found in the measurements, by gravity, what was done about it, and what that changes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ptp_core.report.lines import rows_of
from ptp_core.report.numbers import finite, fixed, interval, short
from ptp_core.report.ranking import left_out_text
from ptp_core.report.study import Outcome, Study, mapping

SEVERITIES = (("grave", "Grave"), ("warning", "Warnings"), ("note", "Notes"))
MOST_NAMED = 12
"""Variants that a finding names; the sentence says how many there are."""


@dataclass(frozen=True)
class Finding:
    """One finding: its sentence, what was done, and those it is about that the sentence does not name."""

    sentence: str
    action: str
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Graveness:
    """The findings of one severity."""

    severity: str
    title: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class BothWays:
    """One outcome without the left-out variants and with them: name, accuracy and interval, accuracy and interval."""

    outcome: Outcome
    n_kept: str
    n_given: str
    rows: tuple[tuple[str, str, str, str, str], ...]


@dataclass(frozen=True)
class Audit:
    """The section; ``further``: warnings of the selection that no finding repeats."""

    groups: tuple[Graveness, ...]
    left_out: tuple[str, ...]
    further: tuple[str, ...]
    both_ways: tuple[BothWays, ...]


def audit_of(study: Study, audit: Mapping[str, Any] | None) -> Audit | None:
    """Findings by severity, variants left out and the accuracies both ways; None where there is nothing to say."""
    findings = rows_of(mapping(audit).get("findings"))
    groups = tuple(
        Graveness(severity, title, tuple(_finding(row) for row in findings if _severity(row) == severity))
        for severity, title in SEVERITIES
    )
    left_out = study.selection.get("left_out") or ()
    given = mapping(study.selection.get("as_given"))
    view = Audit(
        groups=tuple(group for group in groups if group.findings),
        left_out=tuple(left_out_text(item) for item in left_out),
        further=tuple(
            sentence for sentence in selection_warnings(study.selection) if sentence not in _sentences(findings)
        )
        if audit
        else (),
        both_ways=tuple(view for o in study.headline_outcomes if (view := _both_ways(study, o, given)) is not None),
    )
    return view if view.groups or view.left_out or view.further or view.both_ways else None


def grave_sentences(audit: Mapping[str, Any] | None) -> list[str]:
    """What has to be read before anything else."""
    return [
        str(row.get("sentence", "")) for row in rows_of(mapping(audit).get("findings")) if _severity(row) == "grave"
    ]


def selection_warnings(selection: Mapping[str, Any]) -> list[str]:
    """The warnings that the selection itself carries."""
    return [str(sentence) for sentence in selection.get("warnings") or ()]


def _sentences(findings: Sequence[Mapping[str, Any]]) -> set[str]:
    return {str(row.get("sentence")) for row in findings}


def _severity(row: Mapping[str, Any]) -> str:
    """An unknown severity is shown as a warning rather than lost."""
    severity = row.get("severity")
    return severity if severity in dict(SEVERITIES) else "warning"


def _finding(row: Mapping[str, Any]) -> Finding:
    sentence = str(row.get("sentence") or "")
    about = {kind: list(map(str, row.get(kind) or ())) for kind in ("variants", "indicators", "outcomes")}
    about["setting"] = [str(row["factor"])] if row.get("factor") else []
    names = [(kind, _listed(named)) for kind, named in about.items() if not all(_says(sentence, n) for n in named)]
    return Finding(
        sentence=sentence,
        action=str(row.get("action") or ""),
        names=tuple(names),
    )


def _says(sentence: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sentence) is not None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _both_ways(study: Study, outcome: Outcome, given: Mapping[str, Any]) -> BothWays | None:
    """Headline indicators of an outcome, cleaned and as given; None where the analysis ran only once."""
    whole = mapping(mapping(mapping(given.get("outcomes")).get(outcome.name)).get("indicators"))
    cleaned = mapping(outcome.data.get("indicators"))
    names = [name for name in cleaned if name in whole and study.headline(outcome, name) == name]
    names.sort(key=lambda name: -(finite(mapping(cleaned[name]).get("accuracy")) or 0.0))
    rows = tuple((name, *_accuracy(cleaned[name]), *_accuracy(whole[name])) for name in names)
    if not rows:
        return None
    return BothWays(outcome, short(outcome.data.get("n_variants")), short(given.get("n_variants")), rows)


def _accuracy(row: object) -> tuple[str, str]:
    return fixed(mapping(row).get("accuracy")), interval(mapping(row).get("ci95"), missing="")
