"""From ``scaling.json`` to one HTML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ptp_core.report.cautions import cautions_of
from ptp_core.report.frame import confidence_words, fill, links_of, write_page
from ptp_core.report.making import relative_href
from ptp_core.report.numbers import count, short
from ptp_core.report.scaling.errors import errors_of
from ptp_core.report.scaling.fits import fits_of, roles_of, stages_of
from ptp_core.report.scaling.mixture import mixture_of
from ptp_core.report.scaling.predictions import predictions_of
from ptp_core.report.scaling.ranking import rankings_of
from ptp_core.report.scaling.study import Laws, read_laws
from ptp_core.report.scaling.tuning import tuning_of
from ptp_core.report.study import mapping

TITLE = "Scaling"
FILES = ("scaling.json", "scaling_laws.json")
NAVIGATION = (
    ("ranking", "Which form"),
    ("predictions", "Predictions"),
    ("errors", "Errors"),
    ("fits", "Fits"),
    ("stages", "Loss to score"),
    ("mixture", "Mixture"),
    ("tuning", "Fine-tuning law"),
    ("glossary", "How to read this page"),
)


def render_scaling(summary: Mapping[str, Any], siblings: Mapping[str, str] | None = None) -> str:
    """The whole page as HTML text; the same input gives the same bytes.

    ``summary`` is the JSON object of the scaling analysis; blocks that are null or missing leave no section.
    ``siblings``: title → relative path of the study's pages, this one among them as ``Scaling``.
    """
    laws = read_laws(summary)
    views = sections_of(laws)
    own = {
        "name": str(summary.get("study") or "study"),
        "kicker": _kicker(laws),
        "confidence": confidence_words(summary.get("confidence")),
        "verdict": mapping(summary.get("verdict")),
        "no_verdict": "No verdict: the analysis names none.",
        "warnings": cautions_of(summary.get("warnings") or ()),
        "switch": [(group.key, group.name or "all runs") for group in laws.groups],
        "switch_label": "Show group",
        "switch_all": "All groups",
        "siblings": links_of(siblings),
        "own_title": TITLE,
        "files": [(name, relative_href(name)) for name in FILES],
        "navigation": [(key, title) for key, title in NAVIGATION if views.get(key, True)],
    }
    styles = ("style.css", "plots.css")
    return fill("scaling/template.html", {**views, **own}, styles=styles)


def sections_of(laws: Laws) -> dict[str, Any]:
    """What the sections show, by the section's id; a section without data is empty or None."""
    return {
        "ranking": rankings_of(laws),
        "predictions": predictions_of(laws),
        "errors": errors_of(laws),
        "fits": fits_of(laws),
        "stages": stages_of(laws),
        "mixture": mixture_of(laws.summary),
        "tuning": tuning_of(laws.summary),
        "roles": roles_of(laws),
    }


def write_scaling(path: Path, summary: Mapping[str, Any], siblings: Mapping[str, str] | None = None) -> None:
    """Write the page to ``path``; a reader sees the old page or the new one, never half of one."""
    write_page(path, render_scaling(summary, siblings))


def _kicker(laws: Laws) -> str:
    kinds = [laws.kind(metric) for metric in laws.metrics]
    counted = [
        (len(laws.runs), "run", "runs"),
        (kinds.count("loss"), "loss", "losses"),
        (kinds.count("score"), "score", "scores"),
    ]
    parts = [count(n, one, many) for n, one, many in counted if n]
    if len(laws.groups) > 1:
        parts.append(count(len(laws.groups), "group"))
    last = laws.summary.get("last")
    if isinstance(last, int) and last > 1:
        parts.append(f"means of the last {short(last)} checkpoints")
    models = mapping(laws.summary.get("tuning")).get("n_models")
    if isinstance(models, int):
        parts.append(f"{count(models, 'model')} fine-tuned")
    return " · ".join(parts)
