"""Whether a harness task can be measured as asked: settled from its YAML, without running code or going online."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ptp_core.errors import UserError, Where, did_you_mean
from ptp_core.measure.harness_files import Function, TaskFile, hub_of, read_task
from ptp_core.measure.harness_registry import names, tasks_folder
from ptp_core.measure.harness_shapes import check_shape
from ptp_core.spec.harness import HarnessSettings
from ptp_core.spec.scores import CHOICE_QUANTITIES, LIKELIHOODS
from ptp_core.table.metrics import HEADLINES

DEFAULT_METRICS = {
    "loglikelihood": ("perplexity", "acc"),
    "loglikelihood_rolling": ("word_perplexity", "byte_perplexity", "bits_per_byte"),
    "multiple_choice": ("acc", "acc_norm"),
    "generate_until": ("exact_match",),
}
"""Metrics of a task that lists none, by its kind (``lm_eval.api.registry.DEFAULT_METRIC_REGISTRY``)."""
LISTED = 60
"""So many tasks of a group are named in a message."""
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+()-]{0,199}")


def find_task(settings: HarnessSettings, yaml: Path | None, where: Where | None = None) -> TaskFile:
    """The YAML that is asked for: the local one, or that of a name in the registry.

    Raises UserError for an unknown name (with the nearest), a tag, and a group that the harness sums up to no score or
    that a local YAML makes; the message names the tasks.
    """
    if yaml is not None:
        task = read_task(yaml, where)
        if is_group(task):
            fix = f"name its tasks: {', '.join(map(_member_name, _listed(task)))}"
            raise UserError("a group of tasks is not read from a file", where=where or Where(yaml), fix=fix)
        return task
    name, known = settings.task or "", names()
    if name in known.tags:
        members = ", ".join(sorted(known.tags[name])[:LISTED])
        raise UserError("this is a tag of several tasks", where=where, subject=name, fix=f"name its tasks: {members}")
    if name not in known.files:
        raise UserError(
            "the harness has no task of this name", where=where, subject=name,
            fix=did_you_mean(name, [*known.files, *known.tags]),
        )  # fmt: skip
    task = read_task(tasks_folder() / known.files[name])
    if is_group(task):
        task.members = members_of(task)
        if not task.config.get("aggregate_metric_list") or not all("task" in m.config for m in task.members.values()):
            fix = f"name its tasks: {', '.join(list(task.members)[:LISTED])}"
            raise UserError("the harness sums this group up to no score", where=where, subject=name, fix=fix)
    return task


def is_group(task: TaskFile) -> bool:
    """Whether a YAML names tasks instead of being one."""
    return "class" not in task.config and ("group" in task.config or isinstance(task.config.get("task"), list))


def members_of(group: TaskFile) -> dict[str, TaskFile]:
    """Name → YAML of every task in a group of the registry and in the groups and tags within it.

    A member that the group itself makes up has an empty YAML: only the harness can build it.
    """
    known, found = names(), dict[str, TaskFile]()
    waiting = [_member_name(member) for member in _listed(group)]
    for name in waiting:
        if name in known.tags:
            waiting += sorted(set(known.tags[name]) - set(waiting))
        elif name in known.files:
            member = read_task(tasks_folder() / known.files[name])
            if is_group(member):
                group.files.append(member.path)
                waiting += [inner for inner in map(_member_name, _listed(member)) if inner not in waiting]
            else:
                found[name] = member
        else:
            found[name] = TaskFile(group.path)
    return found


def _listed(group: TaskFile) -> list[Any]:
    listed = group.config.get("task")
    members = listed if isinstance(listed, list) else [listed]
    return [member for member in members if _member_name(member) != "None"]


def _member_name(member: Any) -> str:
    return str((member.get("task") or member.get("group")) if isinstance(member, dict) else member)


def check_task(settings: HarnessSettings, yaml: Path | None = None, where: Where | None = None) -> TaskFile:
    """The task, if it can be measured as asked; ``where`` is the place in the spec that asks for it.

    Raises UserError: unknown name, no test and no validation split, wants to execute generated code without leave, a
    metric that it does not have, images or sound, examples that it does not take, a data file that is missing, and of
    a local YAML keys and values that the harness cannot use.
    """
    task = find_task(settings, yaml, where)
    name = settings.task or str(task.config.get("task") or task.path.name)
    place = where or Where(task.path)
    if task.members and settings.revision is not None:
        raise UserError("a group has many data sets, so no revision of one", where=place, subject=name)
    if settings.revision is not None and hub_of(task) is None:
        raise UserError("a revision is one of a data set on a hub, and this task reads none", where=place, subject=name)
    for member, file in (task.members or {name: task}).items():
        _check_one(settings, file, place, member)
    if yaml is not None:
        check_shape(task)
    if settings.metric is not None:
        check_metric(settings.metric, task, place, name)
    return task


def _check_one(settings: HarnessSettings, task: TaskFile, place: Where, name: str) -> None:
    _check_name(task)
    for key in ("doc_to_image", "doc_to_audio"):
        if task.config.get(key):
            raise UserError(
                "this task shows images or sound, which a text model cannot read", where=place, subject=name
            )
    if task.config.get("unsafe_code") and not settings.allow_code:
        raise UserError(
            "this task executes code that the model has written", where=place, subject=name,
            fix="set `allow_code: true` if that is safe on this machine",
        )  # fmt: skip
    if "class" not in task.config:
        _check_splits(task, place, name)
        _check_shots(settings, task, place, name)


def _check_name(task: TaskFile) -> None:
    name = task.config.get("task")
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(name):
        raise UserError(
            "a task needs a name that can be part of a file's name", where=task.where("task"), got=name,
            fix="write `task: <name>` with letters, digits and _ . + - ( )",
        )  # fmt: skip


def _check_splits(task: TaskFile, where: Where, name: str) -> None:
    if not (task.config.get("test_split") or task.config.get("validation_split")):
        raise UserError(
            "this task has no test split and no validation split, so nothing can be scored", where=where, subject=name,
            fix="name one as test_split in its YAML",
        )  # fmt: skip


def _check_shots(settings: HarnessSettings, task: TaskFile, where: Where, name: str) -> None:
    # The harness would go on without examples, and say so only in its log.
    if settings.shots and task.config.get("num_fewshot") == 0:
        raise UserError(
            "this task is only ever asked without examples (num_fewshot: 0)", where=where, subject=name,
            got=f"shots: {settings.shots}", fix="leave shots out",
        )  # fmt: skip


def check_metric(metric: str, task: TaskFile, where: Where, name: str) -> None:
    """Raises UserError for a metric that a task does not have, as far as its YAML tells."""
    known = metrics_of_task(task)
    if known is not None and metric not in known:
        raise UserError(
            f'this task has no metric "{metric}"', where=where, subject=name, fix=did_you_mean(metric, known)
        )


def metrics_of_task(task: TaskFile) -> list[str] | None:
    """The quantities that measuring a task gives, or None where only running its code could tell."""
    if task.members:
        summed = [_metric_name(entry) for entry in task.config["aggregate_metric_list"]]
        each = [metrics_of_task(member) or [] for member in task.members.values()]
        return [*summed, *(one for one in CHOICE_QUANTITIES if one not in summed and all(one in of for of in each))]
    kind = str(task.config.get("output_type", "generate_until"))
    listed = task.config.get("metric_list")
    if "class" in task.config:
        return None
    found = [_metric_name(entry) for entry in listed] if isinstance(listed, list) else [*DEFAULT_METRICS.get(kind, ())]
    filters = [str(one.get("name")) for one in task.config.get("filter_list") or [] if isinstance(one, dict)]
    if len(filters) > 1:
        # Either the metric of the first filter, or that of a filter by its full name.
        found = [name for one in found for name in (one, *(f"{one}_{filtered}" for filtered in filters))]
    own = {"multiple_choice": CHOICE_QUANTITIES, "loglikelihood": LIKELIHOODS}.get(kind, ())
    return list(dict.fromkeys([*found, *own]))


def _metric_name(entry: Any) -> str:
    metric = entry.get("metric") if isinstance(entry, dict) else entry
    return metric.rpartition(".")[2] if isinstance(metric, Function) else str(metric)


def headline_of(metric: str | None, found: Mapping[str, str]) -> str | None:
    """The quantity that goes by the measurement's own name: the metric asked for, else the first preferred one.

    ``found``: quantity → the metric that it is; where a metric has several filters, the first one counts. None if the
    metric is not among them.
    """
    first = {own: name for name, own in [*found.items()][::-1]} | {name: name for name in found}
    if metric is not None:
        return first.get(metric)
    return next((first[wanted] for wanted in HEADLINES if wanted in first), next(iter(found), None))
