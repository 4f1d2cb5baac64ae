"""The per-sample files of lm-evaluation-harness, checked against the result file that they belong to."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ptp_core.errors import UserError, Where
from ptp_core.table.lm_eval_results import Results, Score

HASHES = ("doc_hash", "prompt_hash", "target_hash")
TOLERANCE = 1e-9
"""Of a mean over samples against the number in the result file: both are sums of the same doubles."""

Sample = Mapping[str, Any]


@dataclass(frozen=True)
class Items:
    """The scores of one quantity, item by item; a list of each."""

    item: Sequence[str]
    document: Sequence[str | None]
    score: Sequence[float]
    logprob: Sequence[float | None]


def read_samples(results: Results, task: str, scores: Iterable[Score]) -> dict[str, Items]:
    """Quantity → scores of the items of one task; nothing where no samples were written.

    Only quantities that are means over items have any. Raises UserError when the file is damaged or of another run:
    the harness' own hash of the samples, their number, or their mean is not that of the result file.
    """
    path = results.samples_file(task)
    if path is None:
        return {}
    samples = _lines(path)
    _check_run(results, task, samples, path)
    found: dict[str, Items] = {}
    by_filter: dict[str, tuple[list[Sample], Items]] = {}
    for score in scores:
        if score.filter not in by_filter:
            mine = [s for s in samples if s.get("filter", "none") == score.filter]
            shared = Items(_ids(mine), [_document(s) for s in mine], (), [_logprob(s) for s in mine])
            by_filter[score.filter] = (mine, shared)
        mine, shared = by_filter[score.filter]
        _check_count(score, mine, path)
        values = [float(s[score.metric]) for s in mine if _is_number(s.get(score.metric))]
        if results.is_mean(task, score.metric) and len(values) == len(mine):
            _check_mean(score, values, path)
            found[score.quantity] = replace(shared, score=values)
    return found


def stray_samples(folder: Path) -> Iterator[Path]:
    """Per-sample files in a folder that has no result file of their time."""
    dates = {path.stem.rsplit("_", 1)[-1] for path in folder.glob("*.json")}
    for path in sorted(folder.glob("samples_*.jsonl")):
        if path.stem.rsplit("_", 1)[-1] not in dates:
            yield path


def _lines(path: Path) -> list[Sample]:
    samples = []
    try:
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                samples.append(_sample(line, Where(path, number)))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("cannot be read", where=Where(path), got=str(error), fix="copy it again") from None
    return samples


def _sample(line: str, where: Where) -> Sample:
    try:
        sample = json.loads(line)
    except json.JSONDecodeError as error:
        got = f"{error.msg} in column {error.colno}"
        raise UserError("damaged or cut off", where=where, expected="a sample as JSON", got=got) from None
    if not isinstance(sample, dict) or not all(isinstance(sample.get(key), str) for key in HASHES):
        raise UserError("not a sample of the harness", where=where, expected=f"the keys {', '.join(HASHES)}")
    return sample


def _check_run(results: Results, task: str, samples: list[Sample], path: Path) -> None:
    stated = results.task_hash(task)
    found = hashlib.sha256("".join(s[key] for s in samples for key in HASHES).encode()).hexdigest()
    if stated is not None and stated != found:
        raise _another_run(path, f"samples with the hash {stated[:12]}… that {results.path.name} states", found[:12])


def _check_count(score: Score, samples: list[Sample], path: Path) -> None:
    if score.n_items is not None and score.n_items != len(samples):
        raise _another_run(path, f"{score.n_items} samples, as {score.place} says", len(samples))


def _check_mean(score: Score, values: list[float], path: Path) -> None:
    mean = math.fsum(values) / len(values) if values else math.nan
    if not math.isclose(mean, score.value, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        raise _another_run(path, f"a mean {score.metric} of {score.value}, as {score.place} says", mean)


def _another_run(path: Path, expected: str, got: object) -> UserError:
    fix = "put the file of the same run beside it, or say --no-items"
    return UserError("samples of another run", where=Where(path), expected=expected, got=got, fix=fix)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _ids(samples: list[Sample]) -> list[str]:
    """The documents' own ids where each has one, else their numbers: both are the same for every model."""
    own = [s["doc"].get("id") if isinstance(s.get("doc"), dict) else None for s in samples]
    if all(isinstance(name, str | int) for name in own) and len(set(own)) == len(own):
        return [str(name) for name in own]
    return [str(sample.get("doc_id", number)) for number, sample in enumerate(samples)]


def _document(sample: Sample) -> str | None:
    doc = sample.get("doc")
    found = doc.get("document") if isinstance(doc, dict) else None
    return found if isinstance(found, str) else None


def _logprob(sample: Sample) -> float | None:
    """Of the right answer: the choice that the target numbers, or the only one that was asked for."""
    answers = sample.get("filtered_resps")
    if not isinstance(answers, list) or not all(isinstance(a, list) and len(a) == 2 for a in answers):
        return None
    target = str(sample.get("target"))
    index = 0 if len(answers) == 1 else int(target) if target.isdecimal() else None
    if index is None or index >= len(answers):
        return None
    try:
        value = float(answers[index][0])
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
