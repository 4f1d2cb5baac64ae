"""From a selection, the table and the run to one HTML file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from markupsafe import Markup

from ptp_core.report.accuracy import TICKS as ACCURACY_TICKS
from ptp_core.report.accuracy import accuracies_of, signal_note
from ptp_core.report.audit import audit_of, grave_sentences, selection_warnings
from ptp_core.report.cautions import cautions_of
from ptp_core.report.chart_spec import libraries
from ptp_core.report.curves import curves_of
from ptp_core.report.decision import decision_of
from ptp_core.report.frame import confidence_words, fill, links_of, read, write_page
from ptp_core.report.learned import learned_of
from ptp_core.report.linked import linked_of
from ptp_core.report.making import making_of
from ptp_core.report.numbers import DASH, short
from ptp_core.report.ranking import glance, ranking_of
from ptp_core.report.run import Run
from ptp_core.report.scatter import points_for_each, scatters_of
from ptp_core.report.strata import strata_of
from ptp_core.report.study import Study, mapping, read_study
from ptp_core.report.testing import all_tests
from ptp_core.report.transfer import transfer_of

OWN_FILE = "report.html"
"""The name that the pages of a study know this one by."""
OF_OUTCOMES = ("ranking", "indicators", "scatter", "glossary")
"""Sections of a study that has any outcome."""
HELD = {
    "Scaling": "from compute to loss to performance: which law to trust, what larger runs will score",
    "Dynamics": "checkpoints before and after fine-tuning",
}
"""What the other pages of a study hold, by their titles."""
NAVIGATION = (
    ("audit", "Audit"),
    ("ranking", "Ranking"),
    ("indicators", "Indicators"),
    ("scatter", "Scatter"),
    ("strata", "Strata"),
    ("learned", "Learned"),
    ("decision", "Decision"),
    ("tests", "Tests"),
    ("curves", "Loss curves"),
    ("made", "How it was made"),
    ("glossary", "How to read this page"),
)
View = TypeVar("View")


def render(
    selection: Mapping[str, Any],
    table: pd.DataFrame,
    run: Run | None,
    audit: Mapping[str, Any] | None = None,
    siblings: Mapping[str, str] | None = None,
) -> str:
    """The whole page as HTML text; the same input gives the same bytes.

    ``selection`` is the JSON object of the selection, ``table`` the measurements table (used for configuration
    columns and indicator values), ``run`` how it was made; None where nothing was trained or measured here.
    ``audit`` is the JSON object of the audit; None where there was none. ``siblings``: title → relative path of the
    study's pages, this one among them as ``Selection``.
    """
    study = read_study(selection, table)
    views = sections_of(study, run, audit)
    linked = linked_script() if views["linked"] else ""
    own = {
        "study": study,
        "name": str(selection.get("study") or "study"),
        "n_variants": short(selection.get("n_variants")),
        "confidence": confidence_words(selection.get("confidence")),
        "verdict": mapping(selection.get("verdict")),
        "no_verdict": "No verdict: the selection names none.",
        "warnings": cautions_of(_warnings(selection, run, audit)),
        "switch": [(outcome.key, outcome.name) for outcome in study.outcomes],
        "switch_label": "Show outcome",
        "switch_all": "All outcomes",
        "siblings": links_of(siblings),
        "own_title": next((title for title, file in (siblings or {}).items() if file == OWN_FILE), ""),
        "cards": [] if study.outcomes else _cards(siblings),
        "navigation": [
            (key, title)
            for key, title in NAVIGATION
            if views.get(key, key not in OF_OUTCOMES or study.outcomes) or (key == "learned" and views["transfer"])
        ],
        # The JSON of the charts cannot close its element, and the script is our own: not escaped.
        "linked_data": Markup(views["linked"].data if views["linked"] else ""),
        "linked_script": Markup(linked),
    }
    return fill("template.html", {**views, **own}, further_scripts=[linked] if linked else [])


def sections_of(study: Study, run: Run | None, audit: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the sections show, by the section's id where it may be left out; a section without data is empty or None."""
    accuracies = [accuracies_of(study, outcome) for outcome in study.outcomes]
    glances = [(outcome, glance(study, outcome)) for outcome in study.headline_outcomes]
    most_points = points_for_each(study)
    return {
        "audit": audit_of(study, audit),
        "glances": glances,
        "has_probability": any(line["probability"] != DASH for _, line in glances),
        "rankings": [ranking_of(study, outcome) for outcome in study.outcomes],
        "has_further": any(view.n_further for view in accuracies),
        "signal_note": signal_note(study),
        "accuracies": accuracies,
        "accuracy_ticks": ACCURACY_TICKS,
        "scatters": [scatters_of(study, outcome, most_points) for outcome in study.outcomes],
        "linked": linked_of(study),
        "strata": _present(strata_of(study, outcome) for outcome in study.outcomes),
        "learned": _present(learned_of(study, outcome) for outcome in study.outcomes),
        "transfer": transfer_of(study.selection),
        "decision": _present(decision_of(outcome) for outcome in study.outcomes),
        "tests": _present(all_tests(outcome) for outcome in study.outcomes),
        "curves": curves_of(study, run) if run else None,
        "making": making_of(run) if run else None,
    }


def write_report(
    path: Path,
    selection: Mapping[str, Any],
    table: pd.DataFrame,
    run: Run | None,
    audit: Mapping[str, Any] | None = None,
    siblings: Mapping[str, str] | None = None,
) -> None:
    """Write the page to ``path``; a reader sees the old page or the new one, never half of one."""
    write_page(path, render(selection, table, run, audit, siblings))


def linked_script() -> str:
    """The libraries that draw the linked charts, and what we wrote around them."""
    return libraries() + "\n" + read("linked.js")


def _warnings(selection: Mapping[str, Any], run: Run | None, audit: Mapping[str, Any] | None) -> list[str]:
    """What is said before anything else: with an audit its grave findings only, the rest stands in its section."""
    of_run = list(map(str, run.warnings)) if run else []
    return [*grave_sentences(audit), *of_run] if audit else [*of_run, *selection_warnings(selection)]


def _cards(siblings: Mapping[str, str] | None) -> list[tuple[str, str, str]]:
    """Title, link and what it holds of every other page: all that a page without outcomes has to offer."""
    files = siblings or {}
    return [(title, href, HELD.get(title, "")) for title, href in links_of(files) if files[title] != OWN_FILE]


def _present(views: Iterable[View | None]) -> list[View]:
    return [view for view in views if view is not None]
