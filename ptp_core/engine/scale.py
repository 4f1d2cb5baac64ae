"""``ptp scale``: what the laws of a study predict, and what reaches a score for the least compute."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ptp_core.engine.folders import Folders
from ptp_core.errors import UserError, Where
from ptp_core.files import pretty_json
from ptp_core.predict.scaling.cheapest import cheapest
from ptp_core.predict.scaling.mixture.laws import MEAN
from ptp_core.predict.scaling.mixture.least import least_mixture
from ptp_core.report.numbers import short
from ptp_core.spec.load import load_study
from ptp_core.spec.loaded import LoadedStudy

Block = Mapping[str, Any]


def print_scale(
    spec: Path,
    results: Path,
    wanted: tuple[str, float] | None,
    limits: Mapping[str, Any],
    as_json: bool,
) -> None:
    """Print the predictions of a finished study or, given a goal, what reaches it for the least compute.

    ``limits``: ``group``, ``form`` and ``params`` as ``cheapest`` takes them. Raises UserError.
    """
    study = load_study(spec)
    if study.spec.scaling is None:
        fix = "add a section `scaling` with losses and targets"
        raise UserError("this study fits no laws", where=Where(spec), fix=fix)
    home = Folders(results, study.spec.study).home
    summary, laws = _read(home / "scaling.json", spec, study), _read(home / "scaling_laws.json", spec, study)
    given = [f"--{name}" for name, value in limits.items() if value is not None]
    if "targets" not in summary:
        raise UserError(str(summary["verdict"]["headline"]), where=Where(home / "scaling.json"))
    if wanted is None and given:
        raise UserError("this is about a value to reach", subject=given[0], fix="give --target NAME=VALUE as well")
    try:
        _print(summary, laws, wanted, limits, as_json)
    except (KeyError, TypeError, AttributeError) as error:
        what = f"these laws lack what is looked for ({error})"
        fix = "they are damaged or of another version: remove the files and run the study again"
        raise UserError(what, where=Where(home / "scaling.json"), fix=fix) from None


def _print(
    summary: Block, laws: Block, wanted: tuple[str, float] | None, limits: Mapping[str, Any], as_json: bool
) -> None:
    if wanted is None:
        _print_predictions(summary, as_json)
        return
    found = _reaching(summary, laws, *wanted, limits)
    if as_json:
        print(pretty_json(found), end="")
        return
    for words in found.values():
        for sentence in words["words"] if isinstance(words["words"], list) else [words["words"]]:
            print(sentence)


def _reaching(summary: Block, laws: Block, name: str, value: float, limits: Mapping[str, Any]) -> dict[str, Any]:
    """What reaches a value, by the laws of size and by those of the mixture, as far as they know it."""
    by_mixture = laws["mixture"] if name in _targets(laws["mixture"]) else None
    found = {}
    if by_mixture is None or any(name in metrics for metrics in laws["groups"].values()):
        found["size"] = cheapest(summary, laws["groups"], name, value, **limits)
    if by_mixture is not None:
        found["mixture"] = least_mixture(by_mixture, name, value)
    return found


def _targets(mixture: Block | None) -> Collection[str]:
    return [] if mixture is None else [*mixture["losses"], *mixture["scores"], MEAN]


def _read(path: Path, spec: Path, study: LoadedStudy) -> Any:
    if not path.exists():
        trains = study.variants or study.spec.checkpoints
        run = f"snakemake --config study={spec}" if trains else f"ptp analyze {spec}"
        fix = f"run {run} first, or say where the results are with --results"
        raise UserError(f"there are no laws in {path.parent}", subject=str(spec), fix=fix)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise UserError("this file is damaged", where=Where(path), fix="remove it and run the study again") from None


def _print_predictions(summary: Block, as_json: bool) -> None:
    if as_json:
        print(pretty_json(summary["targets"]), end="")
        return
    print(summary["verdict"]["headline"])
    rows: list[list[str]] = [["run", "metric", "form", "predicted", "interval", "actual", "error", "reach", ""]]
    groups = {run["run"]: run["group"] for run in summary["runs"]}
    for run, metrics in summary["targets"].items():
        for metric, forms in metrics.items():
            fits = summary["fits"][groups[run]][metric]
            rows += [[run, metric, form, *_cells(found)] for form, found in _worth_telling(forms, fits).items()]
    if len(rows) == 1:
        print("No run is predicted: see scaling.hold_out and scaling.predict.")
        return
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _worth_telling(forms: Block, fits: Block) -> dict[str, Block]:
    """The prediction of the chosen form; of every form where the fitted runs are too few to choose."""
    predicted = {form: found for form, found in forms.items() if found["predicted"] is not None}
    chosen = {form: found for form, found in predicted.items() if fits.get(form, {}).get("chosen")}
    return chosen or predicted


def _cells(found: Block) -> list[str]:
    band, error = found["band95"], found["relative_error"]
    return [
        short(found["predicted"]),
        f"{short(band[0])} to {short(band[1])}" if band else "-",
        "-" if found["actual"] is None else short(found["actual"]),
        "-" if error is None else f"{100 * error:.2g} %",
        "-" if found["reach"] is None else f"{short(found['reach'])} ×",
        "decides nothing: the interval is wider than the candidates differ" if found["abstains"] else "",
    ]
