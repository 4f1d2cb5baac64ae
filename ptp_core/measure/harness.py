"""Measuring a checkpoint with lm-evaluation-harness: its own tasks, and those of local YAML files."""

from __future__ import annotations

import errno
import functools
import os
import random
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ptp_core.errors import UserError, Where
from ptp_core.measure.harness_check import check_task, headline_of
from ptp_core.measure.harness_files import TaskFile, functions_in, hub_of
from ptp_core.measure.harness_load import Loaded, dataset_cache, load
from ptp_core.measure.harness_model import harness_model
from ptp_core.measure.harness_results import items_of, quantities_of, reported, with_answers
from ptp_core.measure.harness_split import Chosen, choose
from ptp_core.measure.measured import Measured
from ptp_core.spec.harness import HarnessSettings

CONSENT = "HF_ALLOW_CODE_EVAL"
FOLDER, RESULTS = "lm_eval", "results.json"
"""Beside a receipt: the harness' own result file, and ``samples_<task>.jsonl`` for every task, as it writes them."""


def measure_task(
    checkpoint: Path, settings: HarnessSettings, yaml: Path | None, folder: Path, rows: int | None = None
) -> Measured:
    """One task of the harness' registry, or the one that ``yaml`` describes.

    Quantities are all that the harness reports, as it reports them, and the per-answer ones where the task has right
    answers to ask for. ``rows`` fixes the batch size. Writes ``lm_eval/`` into ``folder``. Raises UserError, which
    names the task, if it cannot be measured.
    """
    file = check_task(settings, yaml)
    name = str(file.config["group" if file.members else "task"])
    with _task_errors(name, file), dataset_cache(local=hub_of(file) is None), _code_allowed(settings.allow_code):
        _seed()
        loaded = load(file, settings, local=yaml is not None)
        disjoint = settings.items == "disjoint"
        chosen = {one: _choose(one, task, settings) for one, task in loaded.tasks.items()} if disjoint else None
        lm, results = evaluate(checkpoint, [loaded.whole], settings, chosen, rows)
        measured = _measured(name, settings.metric, loaded, lm, results)
    save(results, folder)
    return measured


@contextmanager
def _code_allowed(allowed: bool) -> Iterator[None]:
    """The consent of its own that the metric which executes code wants, for one task and not for the next."""
    before = os.environ.get(CONSENT)
    try:
        if allowed:
            os.environ.setdefault(CONSENT, "1")
        yield
    finally:
        if before is None:
            os.environ.pop(CONSENT, None)


def _seed() -> None:
    """Random numbers as on the harness' command line, which seeds them before it loads a task.

    Some tasks shuffle their choices while they are loaded. Documents would say something else in each process, and
    what is chosen by content would not be the same for an indicator and an outcome.
    """
    import numpy as np
    import torch
    from lm_eval.defaults import DEFAULT_OTHER_SEED, DEFAULT_RANDOM_SEED

    random.seed(DEFAULT_RANDOM_SEED)
    np.random.seed(DEFAULT_OTHER_SEED)
    torch.manual_seed(DEFAULT_OTHER_SEED)


def _choose(name: str, task: Any, settings: HarnessSettings) -> Chosen:
    _seed()
    with _task_named(name):
        return choose(task, settings)


def _measured(name: str, metric: str | None, loaded: Loaded, lm: Any, results: dict[str, Any]) -> Measured:
    own, filters = reported(results, name, list(loaded.tasks))
    scored = {one: with_answers(results["samples"][one], task, lm) for one, task in loaded.tasks.items()}
    quantities = {**quantities_of(scored), **own}
    headline = headline_of(metric, {key: key.removesuffix(f"_{filters[key]}") for key in own})
    if headline is None and metric in quantities:
        headline = metric
    if headline is None:
        raise UserError(f'this task has no metric "{metric}"', got=", ".join(quantities))
    items = {one: items_of(scored[one], headline, filters.get(headline)) for one in scored}
    if len(items) == 1:
        return Measured(headline, quantities, items[next(iter(items))])
    # Ids are unique within a task only.
    named = [item._replace(id=f"{one}/{item.id}") for one, theirs in items.items() for item in theirs]
    return Measured(headline, quantities, named)


def evaluate(
    checkpoint: Path,
    tasks: Sequence[Any],
    settings: HarnessSettings,
    chosen: Mapping[str, Chosen] | None = None,
    rows: int | None = None,
) -> tuple[Any, dict[str, Any]]:
    """(model, what ``lm_eval.simple_evaluate`` returns) for tasks or groups, with seeds as on its command line.

    ``chosen``: the documents to score, by task; default: all, or the first ``max_items``.
    """
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    # Its bootstrap would fork a process that has threads, which can lock up for good; alone it draws the same numbers.
    os.environ["DISABLE_MULTIPROC"] = "1"
    _describe_machine_once()
    lm = harness_model(checkpoint)
    lm.rows = rows
    lm.answer_tokens.clear()
    results = simple_evaluate(
        model=lm,
        tasks=list(tasks),
        num_fewshot=settings.shots,
        limit=settings.max_items if chosen is None else None,
        samples=None if chosen is None else dict(chosen),
        task_manager=TaskManager(include_defaults=False),
        confirm_run_unsafe_code=settings.allow_code,
    )
    return lm, results


@functools.cache
def _describe_machine_once() -> None:
    """The harness adds a description of the machine to every result, .7 s each time: once a process is enough."""
    from lm_eval import evaluator

    describe: Callable[[dict[str, Any]], None] = evaluator.add_env_info
    found: dict[str, Any] = {}

    def add(storage: dict[str, Any]) -> None:
        if not found:
            describe(found)
        storage.update(found)

    evaluator.add_env_info = add
    # Asked of git each time, which complains aloud where there is no repository.
    evaluator.get_git_commit_hash = functools.cache(evaluator.get_git_commit_hash)


def save(results: dict[str, Any], folder: Path) -> None:
    """What the harness' command line saves with ``--log_samples``, under names without the time in them."""
    from lm_eval.loggers import EvaluationTracker

    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    samples = results.pop("samples")
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        tracker = EvaluationTracker(output_path=str(Path(scratch) / RESULTS))
        tracker.general_config_tracker.log_experiment_args(
            model_source="hf", model_args=f"pretrained={results['config']['model']}", system_instruction=None,
            chat_template=None, fewshot_as_multiturn=True,
        )  # fmt: skip
        tracker.save_results_aggregated(results=results, samples=samples)
        _keep(Path(scratch), "results_*.json", place / RESULTS, None)
        for name in samples:
            tracker.save_results_samples(task_name=name, samples=samples[name])
            _keep(Path(scratch), f"samples_{name}_*.jsonl", place / f"samples_{name}.jsonl", len(samples[name]))


def _keep(scratch: Path, pattern: str, place: Path, lines: int | None) -> None:
    """Give a saved file its lasting name, once it is whole: if saving fails, the harness only logs it."""
    written = next(scratch.glob(pattern), None)
    content = written.read_bytes() if written else b""
    if written is None or not (content.endswith(b"}") if lines is None else content.count(b"\n") == lines):
        raise UserError(
            "the harness could not save its results", where=Where(place), fix="see whether the disk is full"
        )
    written.replace(place)


@contextmanager
def _task_named(name: str) -> Iterator[None]:
    try:
        yield
    except UserError as error:
        raise UserError(
            error.what, where=error.where, subject=error.subject or name, expected=error.expected, got=error.got,
            fix=error.fix,
        ) from None  # fmt: skip


@contextmanager
def _task_errors(name: str, file: TaskFile) -> Iterator[None]:
    """Whatever breaks in the code of a task is one message that names the task, and the line if it is a user's."""
    import torch

    try:
        with _task_named(name):
            yield
    except (UserError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise
        hub = hub_of(file)
        if hub is not None and isinstance(error, OSError | _hub_errors()):
            raise UserError(
                "the data of this task are on a hub and cannot be loaded", where=Where(hub), subject=name,
                got=_first_line(error), fix="unset HF_HUB_OFFLINE where there is a network, or name local data files",
            ) from None  # fmt: skip
        raise UserError(
            "the harness could not compute this task", where=_line(error, file), subject=name,
            got=f"{type(error).__name__}: {_first_line(error)}",
        ) from error  # fmt: skip


def _hub_errors() -> Any:
    from datasets.exceptions import DatasetNotFoundError
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    return DatasetNotFoundError | HfHubHTTPError | OfflineModeIsEnabled


def _line(error: Exception, file: TaskFile) -> Where | None:
    beside = {str(function.file.resolve()) for function in functions_in(file.config)}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in beside]
    return Where(Path(frames[-1].filename), frames[-1].lineno) if frames else Where(file.path)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0]
