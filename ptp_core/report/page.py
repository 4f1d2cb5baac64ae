"""From a selection, the table and the run to one HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ptp_core.files import write_atomically
from ptp_core.report.accuracy import TICKS as ACCURACY_TICKS
from ptp_core.report.accuracy import accuracies_of, signal_note
from ptp_core.report.audit import audit_of, grave_sentences, selection_warnings
from ptp_core.report.chart_spec import libraries
from ptp_core.report.curves import curves_of
from ptp_core.report.decision import decision_of
from ptp_core.report.learned import learned_of
from ptp_core.report.linked import linked_of
from ptp_core.report.making import making_of
from ptp_core.report.numbers import DASH, finite, short
from ptp_core.report.ranking import glance, ranking_of
from ptp_core.report.run import Run
from ptp_core.report.scatter import points_for_each, scatters_of
from ptp_core.report.strata import strata_of
from ptp_core.report.study import Study, mapping, read_study
from ptp_core.report.testing import all_tests
from ptp_core.report.transfer import transfer_of

HERE = Path(__file__).parent
OPEN_SENTENCES = 5
"""Details and warnings beyond these are folded away."""
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
    selection: Mapping[str, Any], table: pd.DataFrame, run: Run | None, audit: Mapping[str, Any] | None = None
) -> str:
    """The whole page as HTML text; the same input gives the same bytes.

    ``selection`` is the JSON object of the selection, ``table`` the measurements table (used for configuration
    columns and indicator values), ``run`` how it was made; None where nothing was trained or measured here.
    ``audit`` is the JSON object of the audit; None where there was none.
    """
    study = read_study(selection, table)
    views = sections_of(study, run, audit)
    style, script = _read("style.css"), _read("page.js")
    scripts = [script] + ([linked_script()] if views["linked"] else [])
    return (
        _environment()
        .get_template("template.html")
        .render(
            **views,
            study=study,
            name=str(selection.get("study") or "study"),
            n_variants=short(selection.get("n_variants")),
            confidence=_confidence(selection.get("confidence")),
            verdict=mapping(selection.get("verdict")),
            warnings=_warnings(selection, run, audit),
            n_open=OPEN_SENTENCES,
            navigation=[
                (key, title)
                for key, title in NAVIGATION
                if views.get(key, True) or (key == "learned" and views["transfer"])
            ],
            # Our own files, never user text: with the JSON of the charts, which cannot close its element, the only
            # strings on the page that are not escaped.
            style=Markup(style),
            script=Markup(script),
            linked_data=Markup(views["linked"].data if views["linked"] else ""),
            linked_script=Markup(scripts[-1]),
            policy=_policy(style, scripts),
        )
    )


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
) -> None:
    """Write the page to ``path``; a reader sees the old page or the new one, never half of one."""
    # A lone surrogate in a name cannot be written as UTF-8; it becomes a question mark.
    content = render(selection, table, run, audit).encode("utf-8", errors="replace")
    write_atomically(path, content)


def linked_script() -> str:
    """The libraries that draw the linked charts, and what we wrote around them."""
    return libraries() + "\n" + _read("linked.js")


def _warnings(selection: Mapping[str, Any], run: Run | None, audit: Mapping[str, Any] | None) -> list[str]:
    """What is said before anything else: with an audit its grave findings only, the rest stands in its section."""
    of_run = list(map(str, run.warnings)) if run else []
    return [*grave_sentences(audit), *of_run] if audit else [*of_run, *selection_warnings(selection)]


def _present(views: Iterable[View | None]) -> list[View]:
    return [view for view in views if view is not None]


def _confidence(value: object) -> str:
    """``95 % `` in front of the word *intervals*; nothing where the selection does not say."""
    share = finite(value)
    return "" if share is None else f"{short(100 * share)} % "


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = _unbroken
    return environment


def _unbroken(sentence: str) -> str:
    """The sentence with no line ending between a number and its percent sign."""
    return str(sentence).replace(" %", "\u00a0%")


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _policy(style: str, scripts: Sequence[str]) -> str:
    """A content security policy under which the browser fetches nothing and runs only what we wrote."""
    return f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {' '.join(map(_hash, scripts))}"


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
