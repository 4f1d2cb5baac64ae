"""Whether the names in the sections ``scaling`` and ``dynamics`` are there, as far as the spec alone tells."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from ptp_core.errors import UserError, did_you_mean, shorten
from ptp_core.spec.explain_errors import dotted
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.scaling import Scaling
from ptp_core.spec.wild import fits
from ptp_core.spec.yaml_lines import PlacePath


def check_scaling(study: LoadedStudy) -> Iterator[UserError]:
    """Losses, scores, runs and columns of sources that are none; what only a table tells is looked for in the table."""
    scaling = study.spec.scaling
    # A plug-in names quantities of its own.
    if scaling is None or study.spec.measurements or study.of_kind("plugin"):
        return
    numbers = {*study.indicator_columns, *study.outcome_columns}
    runs = [*(variant.name for variant in study.variants), *(entry.name for entry in study.spec.checkpoints)]
    for place, names, known, what in (
        (("losses",), scaling.losses, numbers, "number"),
        (("targets",), scaling.targets, numbers, "number"),
        *((("targets", name, "loss"), [loss], numbers, "number") for name, loss in losses_of(scaling).items()),
        (("runs",), scaling.runs, runs, "run"),
        (("fit",), scaling.fit, runs, "run"),
        (("fit_scores",), scaling.fit_scores, runs, "run"),
        (("hold_out",), scaling.hold_out or (), runs, "run"),
        *_of_mixture(study, scaling, numbers, runs),
    ):
        yield from _unknown(study, ("scaling", *place), names, known, what)
    for name in scaling.predict:
        if name in runs:
            place = ("scaling", "predict", name)
            what = "a run of the study is called so"
            yield UserError(what, where=study.where(*place), subject=dotted(place), fix="give it another name")


def losses_of(scaling: Scaling) -> dict[str, str]:
    """Target → the loss that it names as its own."""
    return {name: option.loss for name, option in scaling.target_options.items() if option.loss}


def check_dynamics(study: LoadedStudy) -> Iterator[UserError]:
    """Outcomes, indicators and tasks that are none; what only a table tells is looked for in the table."""
    dynamics = study.spec.dynamics
    if dynamics is None or study.spec.measurements or study.of_kind("plugin"):
        return
    tasks = study.spec.finetune.tasks if study.spec.finetune else ()
    for place, names, known, what in (
        (("base",), dynamics.base, study.outcome_columns, "outcome"),
        (("base",), dynamics.base.values(), study.indicator_columns, "indicator"),
        (("in_domain",), dynamics.in_domain, tasks, "task that is fine-tuned on"),
        (("losses",), dynamics.losses, study.indicator_columns, "indicator"),
    ):
        yield from _unknown(study, ("dynamics", *place), names, known, what)


def _of_mixture(
    study: LoadedStudy, scaling: Scaling, numbers: Collection[str], runs: Collection[str]
) -> Iterator[tuple[PlacePath, Iterable[str], Collection[str], str]]:
    if scaling.mixture is None:
        return
    yield ("mixture", "losses"), scaling.mixture.losses, numbers, "number"
    yield ("mixture", "fit"), scaling.mixture.fit, runs, "run"
    yield ("mixture", "hold_out"), scaling.mixture.hold_out, runs, "run"
    yield ("mixture", "sources"), scaling.mixture.columns.values(), study.config_columns, "configuration column"


def _unknown(
    study: LoadedStudy, place: PlacePath, names: Iterable[str], known: Collection[str], what: str
) -> Iterator[UserError]:
    for i, name in enumerate(names):
        if not any(fits(one, name) for one in known):
            # An entry of a mapping is found by its name, one of a list by its number.
            where = next((at for at in ((*place, name), (*place, i)) if at in study.lines), place)
            message = f"no {what} is called {shorten(name)}"
            yield UserError(message, where=study.where(*where), subject=dotted(place), fix=did_you_mean(name, known))
