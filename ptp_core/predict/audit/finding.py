"""What the audit hands back: findings as data, each with the sentence that its numbers make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["grave", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("grave", "warning", "note")
"""Grave: a verdict may be wrong because of it. Warning: it may be weaker than it looks. Note: good to know."""

KINDS = (
    "strangers",
    "duplicates",
    "collapsed",
    "diverged",
    "constant_outcome",
    "constant_labels",
    "dependence",
    "shared_items",
    "confound",
    "mixed_checkpoints",
    "at_chance",
    "at_ceiling",
    "seed_noise",
    "ties",
    "constant_indicator",
    "few_variants",
    "single_runs",
    "one_pretraining",
    "missing",
    "averaged",
)
"""What is looked for; of equal severity, the order in which it is told."""


@dataclass(frozen=True)
class Finding:
    """One thing in the table that would fool its reader."""

    kind: str
    severity: Severity
    sentence: str
    variants: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    factor: str | None = None
    """The configuration column it is about."""
    numbers: dict[str, Any] = field(default_factory=dict)
    """What the sentence is made from; plain Python numbers, None where something is not known."""
    action: Literal["left out", "kept"] | None = None
    """What becomes of ``variants`` in the analysis; None: they are not what is wrong."""

    def as_json(self) -> dict[str, Any]:
        """The entry of ``audit.json``."""
        return {
            "kind": self.kind,
            "severity": self.severity,
            "variants": list(self.variants),
            "indicators": list(self.indicators),
            "outcomes": list(self.outcomes),
            "factor": self.factor,
            "numbers": self.numbers,
            "sentence": self.sentence,
            "action": self.action,
        }


@dataclass(frozen=True)
class Audit:
    """All findings on a table, the gravest first."""

    n_variants: int
    findings: tuple[Finding, ...]
    left_out: dict[str, str]
    """Variant → why the analysis leaves it out."""

    def as_json(self, study: str) -> dict[str, Any]:
        """The contents of ``audit.json``."""
        return {
            "study": study,
            "n_variants": self.n_variants,
            "findings": [finding.as_json() for finding in self.findings],
            "left_out": [{"variant": variant, "reason": reason} for variant, reason in self.left_out.items()],
        }

    def sentences(self) -> list[str]:
        """What a reader must know before trusting the numbers, the gravest first."""
        return [finding.sentence for finding in self.findings]


def gravest(severities: list[Severity]) -> Severity:
    """The first of them in the order of ``SEVERITIES``."""
    return min(severities, key=SEVERITIES.index)


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """By severity, then by kind; otherwise as found."""
    return tuple(sorted(findings, key=lambda found: (SEVERITIES.index(found.severity), KINDS.index(found.kind))))
