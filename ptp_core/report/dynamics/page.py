"""From ``dynamics.json`` to one HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ptp_core.report.cautions import cautions_of
from ptp_core.report.dynamics.curves import curves_of, early_of, formats_of
from ptp_core.report.dynamics.gains import correlations_of, forgetting_of, gains_of
from ptp_core.report.dynamics.study import Dynamics, read_dynamics
from ptp_core.report.dynamics.verdicts import latent_of, overtraining_of
from ptp_core.report.frame import confidence_words, fill, links_of, write_page
from ptp_core.report.lines import rows_of
from ptp_core.report.making import relative_href
from ptp_core.report.numbers import count, finite_all
from ptp_core.report.study import mapping

TITLE = "Dynamics"
FILES = ("dynamics.json",)
NAVIGATION = (
    ("gains", "Gains"),
    ("curves", "Curves"),
    ("forgetting", "Forgetting"),
    ("latent", "Latent gain"),
    ("overtraining", "Overtraining"),
    ("formats", "Prompt formats"),
    ("correlation", "Order of checkpoints"),
    ("early", "Early checkpoints"),
    ("glossary", "How to read this page"),
)


def render_dynamics(summary: Mapping[str, Any], siblings: Mapping[str, str] | None = None) -> str:
    """The whole page as HTML text; the same input gives the same bytes.

    ``summary`` is the JSON object of the dynamics; blocks that are null, empty or missing leave no section.
    ``siblings``: title → relative path of the study's pages, this one among them as ``Dynamics``.
    """
    study = read_dynamics(summary)
    views = sections_of(study)
    own = {
        "name": str(summary.get("study") or "study"),
        "kicker": _kicker(study),
        "confidence": confidence_words(summary.get("confidence")),
        "prompt_format": summary.get("prompt_format"),
        "verdict": mapping(summary.get("verdict")),
        "no_verdict": "No verdict: the analysis names none.",
        "warnings": cautions_of(summary.get("warnings") or ()),
        "switch": [(one.key, one.name) for one in study.trajectories],
        "switch_label": "Show run",
        "switch_all": "All runs",
        "siblings": links_of(siblings),
        "own_title": TITLE,
        "has_heads": len(study.trajectories) > 1,
        "files": [(name, relative_href(name)) for name in FILES],
        "navigation": [(key, title) for key, title in NAVIGATION if views.get(key, True)],
    }
    return fill("dynamics/template.html", {**views, **own}, styles=("style.css", "plots.css"))


def sections_of(study: Dynamics) -> dict[str, Any]:
    """What the sections show, by the section's id; a section without data is empty or None."""
    return {
        "gains": gains_of(study),
        "curves": curves_of(study),
        "forgetting": forgetting_of(study),
        "latent": latent_of(study),
        "overtraining": overtraining_of(study),
        "formats": formats_of(study),
        "correlation": correlations_of(study),
        "early": early_of(study),
    }


def write_dynamics(path: Path, summary: Mapping[str, Any], siblings: Mapping[str, str] | None = None) -> None:
    """Write the page to ``path``; a reader sees the old page or the new one, never half of one."""
    write_page(path, render_dynamics(summary, siblings))


def _kicker(study: Dynamics) -> str:
    rows = rows_of(study.summary.get("trajectories"))
    cells = rows_of(study.summary.get("cells"))
    points = {(str(c.get("trajectory")), str(c.get("variant")), *finite_all([c.get("tokens")])) for c in cells}
    parts = [count(len(rows) or len(study.trajectories), "run"), count(len(points), "checkpoint") + " fine-tuned"]
    for key, what in (("train_task", "training task"), ("test", "test set")):
        parts.append(count(len({str(cell.get(key)) for cell in cells}), what))
    return " · ".join(parts)
