"""From a selection, the table and the run to one HTML file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ptp_core.files import write_atomically
from ptp_core.report.accuracy import accuracies_of, signal_note
from ptp_core.report.curves import curves_of
from ptp_core.report.making import making_of
from ptp_core.report.numbers import finite, short
from ptp_core.report.ranking import glance, ranking_of
from ptp_core.report.run import Run
from ptp_core.report.scatter import points_for_each, scatters_of
from ptp_core.report.study import mapping, read_study

HERE = Path(__file__).parent
OPEN_SENTENCES = 5
"""Details and warnings beyond these are folded away."""


def render(selection: Mapping[str, Any], table: pd.DataFrame, run: Run | None) -> str:
    """The whole page as HTML text; the same input gives the same bytes.

    ``selection`` is the JSON object of the selection, ``table`` the measurements table (used for configuration
    columns and indicator values), ``run`` how it was made; None where nothing was trained or measured here.
    """
    study = read_study(selection, table)
    most_points = points_for_each(study)
    accuracies = [accuracies_of(study, outcome) for outcome in study.outcomes]
    style, script = _read("style.css"), _read("page.js")
    return (
        _environment()
        .get_template("template.html")
        .render(
            study=study,
            name=str(selection.get("study") or "study"),
            n_variants=short(selection.get("n_variants")),
            confidence=_confidence(selection.get("confidence")),
            verdict=mapping(selection.get("verdict")),
            warnings=[*(run.warnings if run else ()), *map(str, selection.get("warnings") or ())],
            n_open=OPEN_SENTENCES,
            glances=[(outcome, glance(study, outcome)) for outcome in study.headline_outcomes],
            rankings=[ranking_of(study, outcome) for outcome in study.outcomes],
            has_further=any(view.n_further for view in accuracies),
            signal_note=signal_note(study),
            accuracies=accuracies,
            scatters=[scatters_of(study, outcome, most_points) for outcome in study.outcomes],
            curves=curves_of(study, run) if run else None,
            making=making_of(run) if run else None,
            # Our own files, never user text: the only strings on the page that are not escaped.
            style=Markup(style),
            script=Markup(script),
            policy=_policy(style, script),
        )
    )


def write_report(path: Path, selection: Mapping[str, Any], table: pd.DataFrame, run: Run | None) -> None:
    """Write the page to ``path``; a reader sees the old page or the new one, never half of one."""
    # A lone surrogate in a name cannot be written as UTF-8; it becomes a question mark.
    content = render(selection, table, run).encode("utf-8", errors="replace")
    write_atomically(path, content)


def _confidence(value: object) -> str:
    """``95 % `` in front of the word *intervals*; nothing where the selection does not say."""
    share = finite(value)
    return "" if share is None else f"{short(100 * share)} % "


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """A content security policy under which the browser fetches nothing and runs only what we wrote."""
    return f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
