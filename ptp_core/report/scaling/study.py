"""The laws of a study as its page needs them: groups in order, runs and metrics by name, which form was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ptp_core.report.lines import rows_of
from ptp_core.report.numbers import finite
from ptp_core.report.study import mapping

NAMES = {
    "flp": "power law of compute",
    "nd": "law of size and tokens",
    "overtraining": "over-training law",
    "linear": "straight line",
    "exponential": "exponential error",
    "sigmoid": "sigmoid",
    "fp": "direct power law of compute",
    "direct": "direct law of size and tokens",
    "combined": "mean of the two best forms",
    "chosen": "the chosen form",
}
KNOWN_AS = {"flp": "FLP", "flp+linear": "FLP", "fp": "FP"}
"""What the forms of Chen et al. 2024 are called there."""
CHOSEN, COMBINED = "chosen", "combined"


@dataclass(frozen=True)
class Group:
    """What has laws of its own; ``key`` counts from 0 and is safe in an id, ``name`` is empty where there is one."""

    key: int
    name: str


@dataclass(frozen=True)
class Laws:
    """What every section reads: the summary, its groups, its runs and its metrics by name."""

    summary: Mapping[str, Any]
    groups: tuple[Group, ...]
    runs: Mapping[str, Mapping[str, Any]]
    metrics: Mapping[str, Mapping[str, Any]]

    def block(self, name: str, group: Group) -> Mapping[str, Any]:
        """A block of the summary that is sorted by group."""
        return mapping(mapping(self.summary.get(name)).get(group.name))

    def forms(self, group: Group, metric: str) -> Mapping[str, Mapping[str, Any]]:
        """The fits of a metric by form."""
        fits = mapping(self.block("fits", group).get(metric))
        return {str(form): mapping(fit) for form, fit in fits.items()}

    def chosen(self, group: Group, metric: str) -> str | None:
        """The form with the least inner error; None where none could be chosen."""
        return next((form for form, fit in self.forms(group, metric).items() if fit.get("chosen")), None)

    def together(self, group: Group, kind: str) -> list[str]:
        """The forms whose mean was used for a kind of metric; empty where one form was better than the rest."""
        choice = mapping(self.block("choice", group).get(kind))
        return [str(form) for form in choice.get("combined") or ()]

    def words(self, group: Group, metric: str, form: str) -> str:
        """A form in words; of a mean of forms, those that the analysis says it is made of."""
        told = str(mapping(self.forms(group, metric).get(form)).get("words") or "").partition(",")[0]
        return told if form == COMBINED and told else form_name(form)

    def of_kind(self, kind: str, metrics: Mapping[str, Any]) -> list[str]:
        """The metrics of one kind among those given, in the summary's order."""
        known = [name for name in self.metrics if name in metrics]
        rest = [str(name) for name in metrics if name not in self.metrics]
        return [name for name in (*known, *rest) if self.kind(name) == kind]

    def kind(self, metric: str) -> str:
        """``loss`` or ``score``."""
        return "loss" if mapping(self.metrics.get(metric)).get("kind") == "loss" else "score"

    def targets(self, group: Group) -> dict[str, Mapping[str, Any]]:
        """The predicted runs of a group, held-out ones and prospects: the largest compute first."""
        targets = mapping(self.summary.get("targets"))
        order = [*(run for run in self.runs if run in targets), *(run for run in targets if run not in self.runs)]
        order.sort(key=lambda run: -(finite(mapping(self.runs.get(run)).get("compute")) or 0.0))
        first = self.groups[0].name if self.groups else ""
        return {
            str(run): mapping(targets[run])
            for run in order
            if str(mapping(self.runs.get(run)).get("group", first)) == group.name
        }

    def role(self, run: object) -> str:
        """``fit``, ``fit_scores``, ``held_out``, ``prospect`` or ``other``."""
        return str(mapping(self.runs.get(str(run))).get("role", "other"))


def read_laws(summary: Mapping[str, Any]) -> Laws:
    """Order what the summary holds."""
    names = [str(name) for name in summary.get("groups") or ()]
    if not names:
        names = list(
            dict.fromkeys([*map(str, mapping(summary.get("fits"))), *map(str, mapping(summary.get("curves")))])
        )
    return Laws(
        summary=summary,
        groups=tuple(Group(key, name) for key, name in enumerate(names or [""])),
        runs={str(row.get("run")): row for row in rows_of(summary.get("runs"))},
        metrics={str(row.get("metric")): row for row in rows_of(summary.get("metrics"))},
    )


def form_name(form: str) -> str:
    """``flp+linear`` in words: ``power law of compute → straight line``."""
    return " → ".join(NAMES.get(part, part) for part in form.split("+"))


def short_form(form: str) -> str:
    """The forms of FLP by the name they are known by, every other by its key."""
    return KNOWN_AS.get(form, form)


def is_known(form: str) -> bool:
    """Whether the form is one of Chen et al. 2024, to be shown beside whatever was chosen."""
    return form in ("flp", "flp+linear")
