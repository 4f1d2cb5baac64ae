"""Everything about a study that can be found wrong before anything runs: the spec, and the files it names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ptp_core.data.json_lines import matching_files
from ptp_core.data.sources import common_format, field_names, matches, records, text_of, value_of
from ptp_core.engine.existing import check_checkpoint
from ptp_core.engine.located import told_with_its_line
from ptp_core.engine.measure_units import harness_place, harness_yaml, plugin_files, unknown_plugin
from ptp_core.errors import UserError, UserErrors, Where, did_you_mean
from ptp_core.spec.checks import MIN_VARIANTS
from ptp_core.spec.data import Source
from ptp_core.spec.explain_errors import dotted
from ptp_core.spec.harness import HarnessSettings
from ptp_core.spec.indicators import subject_of
from ptp_core.spec.load import load_study
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.pretrain import Recipe
from ptp_core.spec.scores import ANSWER_METRICS, ANSWER_QUANTITIES, CHOICE_METRICS, CHOICE_QUANTITIES
from ptp_core.spec.yaml_lines import PlacePath

if TYPE_CHECKING:
    import pandas as pd

FIRST_DOCUMENTS = 100
"""Lines of each file of a source that are read beforehand; a fault further down ends the job that reads it."""


def check_study(spec: Path) -> LoadedStudy:
    """Load a spec and look into the files it names: sources (their beginnings), tasks and tables (whole).

    Raises UserError, or UserErrors with all faults at once.
    """
    study = load_study(spec)
    errors = list(_faults(study))
    if errors:
        raise UserErrors(errors)
    return study


def _faults(study: LoadedStudy) -> Iterator[UserError]:
    for place, check in _checks(study):
        try:
            check()
        except UserError as error:
            yield error
        except OSError as error:
            # A folder that may not be entered, a name too long for any file.
            got = f"{error.strerror}: {error.filename}"
            yield UserError("cannot be read", where=study.where(*place), subject=dotted(place), got=got)


def _checks(study: LoadedStudy) -> Iterator[tuple[PlacePath, Callable[[], object]]]:
    """What is looked into, each with its place in the spec."""
    spec = study.spec
    yield (), partial(_check_hub_ids, study)
    for i, source in enumerate(spec.data.sources if spec.data else ()):
        place: PlacePath = ("data", "sources", i, "path")
        yield place, partial(_check_source, study, source, place)
    if spec.data and spec.data.tokenizer.path is not None:
        place = ("data", "tokenizer", "path")
        yield place, partial(_check_tokenizer, study, place)
    for name, task in spec.tasks.items():
        for split in ("train", "test"):
            if getattr(task, split) is not None:
                yield ("tasks", name, split), partial(_check_task, study, name, split)
        if task.is_harness:
            yield ("tasks", name), partial(_check_harness, study, name)
    if spec.plugins:
        yield ("plugins",), partial(_check_plugins, study)
    for i in range(len(spec.checkpoints)):
        yield ("checkpoints", i), partial(check_checkpoint, study, i)
    if spec.measurements:
        yield ("measurements",), partial(_check_tables, study)
    for recipe in {(v.recipe.objective, v.recipe.sequence_length): v.recipe for v in study.variants}.values():
        yield ("pretrain",), partial(_check_objective, study, recipe)


def _check_hub_ids(study: LoadedStudy) -> None:
    """Refuse a hub id that is a folder here: libraries would read that, and its content is in no fingerprint."""
    data = study.spec.data
    ids = [source.hub for source in data.sources] + [data.tokenizer.pretrained] if data else []
    ids += [origin.hub for c in study.spec.checkpoints for origin in (c, c.tokenizer_origin)]
    for name in ids:
        _refuse_folder_like(name, study.where())


def _refuse_folder_like(hub: str | None, where: Where) -> None:
    if hub is not None and Path(hub).exists():
        fix = "run from another folder, or give the folder as a path"
        raise UserError(f'a file or folder here is called "{hub}" like a hub id', where=where, fix=fix)


def _check_source(study: LoadedStudy, source: Source, place: PlacePath) -> None:
    """Look into the first records of each file. A hub is not asked: planning works without a network."""
    if source.path is None:
        return
    where, subject = study.where(*place), dotted(place)
    patterns = (source.path,) if isinstance(source.path, str) else source.path
    files = [path for text in patterns for path in matching_files(study.resolve(text, *place), where, subject)]
    common_format(source, files, where, subject)
    found = [_first_records(source, path) for path in files]
    if not any(found):
        raise UserError("there are no documents in this source", where=where, subject=subject)


def _first_records(source: Source, path: Path) -> int:
    """How many records were read; raises UserError if one has no text, or if none has a field that ``only`` names."""
    first = list(islice(records(source, [path]), FIRST_DOCUMENTS))
    for field in source.only if first else ():
        if all(value_of(record, field) is None for _, record in first):
            known = ", ".join(field_names(first[0][1]))
            raise UserError(f'no field "{field}"', where=first[0][0], fix=f"correct only; this record has: {known}")
    for where, record in first:
        if matches(record, source.only):
            text_of(record, source.text_field, where)
    return len(first)


def _check_tokenizer(study: LoadedStudy, place: PlacePath) -> None:
    from ptp_core.data.pretrained_tokenizer import take_over
    from ptp_core.data.tokenizer import CONFIG, FILE

    assert study.spec.data is not None
    wanted = study.spec.data.tokenizer
    where, subject = study.where(*place), dotted(place)
    names = (f"{wanted.path}/{name}" for name in (FILE, CONFIG))
    take_over(wanted, [matching_files(study.resolve(name, *place), where, subject)[0] for name in names])


def _check_task(study: LoadedStudy, name: str, split: str) -> None:
    from ptp_core.data.items import read_items

    task, place = study.spec.tasks[name], ("tasks", name, split)
    where, subject = study.where(*place), dotted(place)
    paths = matching_files(study.resolve(getattr(task, split), *place), where, subject)
    if len(paths) > 1:
        raise UserError("this names several files", where=where, subject=subject, expected="one file", got=len(paths))
    choosing = {item.choices is not None for item in read_items(paths[0], task.family)}
    if split == "test":
        _check_metrics(study, name, choosing)
    if split == ("train" if study.spec.items == "disjoint" else "test"):
        _check_quantities(study, name, choosing)


def _check_metrics(study: LoadedStudy, name: str, choosing: set[bool]) -> None:
    """Refuse a score that the items of a task cannot have; ``choosing``: whether they have choices."""
    task = study.spec.tasks[name]
    asked: list[tuple[str, PlacePath]] = [(task.metric, ("tasks", name, "metric"))] if task.metric else []
    asked += [(metric, ("tasks", name, "metrics")) for metric in task.metrics]
    _refuse_others(study, asked, choosing, CHOICE_METRICS, ANSWER_METRICS)


def _check_quantities(study: LoadedStudy, name: str, choosing: set[bool]) -> None:
    """The same for the quantities of the few-shot score, which is taken over these items."""
    _refuse_others(study, _quantities(study, name), choosing, CHOICE_QUANTITIES, ANSWER_QUANTITIES)


def _refuse_others(
    study: LoadedStudy,
    asked: list[tuple[str, PlacePath]],
    choosing: set[bool],
    of_choices: tuple[str, ...],
    of_answers: tuple[str, ...],
) -> None:
    if len(choosing) > 1:
        return
    known, which = (of_choices, "with") if True in choosing else (of_answers, "without")
    for score, place in asked:
        if score not in known:
            what, fix = f"{score} is no score of items {which} choices", did_you_mean(score, known)
            raise UserError(what, where=study.where(*place), subject=dotted(place), fix=fix)


def _quantities(study: LoadedStudy, task: str) -> list[tuple[str, PlacePath]]:
    """What is asked of the few-shot score on a task, and where."""
    name = f"kshot_{task}"
    asked = study.indicators[name].quantities if name in study.indicators else ()
    return [(quantity, ("indicators", name, "quantities", i)) for i, quantity in enumerate(asked)]


def _check_harness(study: LoadedStudy, name: str) -> None:
    from ptp_core.measure.harness_check import check_metric, check_task
    from ptp_core.measure.harness_files import hub_of

    task, place = study.spec.tasks[name], harness_place(study, name)
    options = study.indicators.get(f"kshot_{name}")
    settings = HarnessSettings(
        task=task.harness,
        shots=options.shots if options else None,
        revision=task.revision,
        allow_code=task.allow_code,
    )
    file = check_task(settings, harness_yaml(study, name), study.where(*place))
    _refuse_folder_like(hub_of(file), study.where(*place))
    # Each score where it is asked for.
    asked: list[tuple[str, PlacePath]] = [(task.metric, ("tasks", name, "metric"))] if task.metric else []
    asked += [(metric, ("tasks", name, "metrics", i)) for i, metric in enumerate(task.metrics)]
    for metric, written in (*asked, *_quantities(study, name)):
        check_metric(metric, file, study.where(*written), task.harness or str(file.config["task"]))


def _check_plugins(study: LoadedStudy) -> None:
    files = plugin_files(study)
    for name in study.of_kind("plugin"):
        if name not in files:
            raise unknown_plugin(study, name, list(files))


def _check_tables(study: LoadedStudy) -> None:
    from ptp_core.table.columns import KINDS
    from ptp_core.table.reading import join, read_measurements
    from ptp_core.table.schema import validate

    tables = study.spec.measurements
    places = [study.where("measurements", i, "path") for i in range(len(tables))]
    frames = [read_measurements(table, study.path.parent, where) for table, where in zip(tables, places, strict=True)]
    # Tables that are right one by one may still claim the same number twice.
    table = validate(join(frames), study.where("measurements"))
    _check_names(study, {kind: set(table.loc[table["kind"] == kind, "name"]) for kind in KINDS})
    if study.variants or study.spec.checkpoints:
        return
    _check_further(study, table)
    if not (study.spec.scaling or study.spec.dynamics):
        counts = table[table["kind"] == "outcome"].groupby("name")["variant"].nunique()
        for name in counts.index[counts < MIN_VARIANTS]:
            raise UserError(
                "too few variants have this outcome", where=study.where("measurements"), subject=str(name),
                expected=f"at least {MIN_VARIANTS}", got=int(counts[name]),
                fix="measure it for more variants, or leave it out",
            )  # fmt: skip


def _check_further(study: LoadedStudy, table: pd.DataFrame) -> None:
    """What scaling and dynamics would refuse, while nothing has been written."""
    from ptp_core.predict.dynamics import analysis as dynamics
    from ptp_core.predict.scaling import analysis as scaling

    spec = study.spec
    if spec.scaling:
        with told_with_its_line(study.places("scaling")):
            scaling.refuse_mistakes(table, spec.scaling)
    if spec.dynamics:
        with told_with_its_line(study.places("dynamics")):
            dynamics.refuse_mistakes(table, spec.dynamics)


def _check_names(study: LoadedStudy, found: dict[str, set[str]]) -> None:
    """What the spec could not tell before its tables were read: is there an outcome, and is the primary claim there?"""
    spec = study.spec
    outcomes = {*study.outcome_columns, *found["outcome"]}
    if not outcomes and not spec.scaling:
        fix = "say under `outcomes` which names are, or import them with --kind outcome"
        raise UserError("no table has an outcome", where=study.where("measurements"), subject="measurements", fix=fix)
    primary, indicators = spec.select.primary, {*study.indicator_columns, *found["indicator"]}
    asked = (("outcome", primary.outcome, outcomes), ("indicator", primary.indicator, indicators)) if primary else ()
    for kind, name, known in asked:
        if name is not None and name not in known:
            place = ("select", "primary", kind)
            fix = did_you_mean(name, known)
            raise UserError(f"unknown {kind}", where=study.where(*place), subject=dotted(place), got=name, fix=fix)


def _check_objective(study: LoadedStudy, recipe: Recipe) -> None:
    from ptp_core.objectives.mix import spans_needed

    assert study.spec.data is not None
    place, sentinels = ("data", "tokenizer", "sentinels"), study.spec.data.tokenizer.sentinels
    asked = [(recipe.objective, recipe.sequence_length)]
    asked += [(subject_of(name), study.window(name)) for name in study.of_kind("ppl") if "sc" in subject_of(name)]
    needed, length, objective = max((spans_needed(objective, length), length, objective) for objective, length in asked)
    if needed > sentinels:
        raise UserError(
            f"{objective} hides up to {needed} spans in {length} tokens",
            where=study.where(*place), subject=dotted(place), expected=f"at least {needed}",
            got=sentinels,
            fix="raise it; a tokenizer made elsewhere needs as many tokens <extra_id_0>, <extra_id_1>, …",
        )  # fmt: skip
