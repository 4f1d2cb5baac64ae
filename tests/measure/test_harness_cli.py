"""Our stored numbers are those of the harness' own command line, on the same model, task and batch size."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from ptp_core.data.items import load_items
from ptp_core.data.prompts import prompt
from ptp_core.measure import harness_check, harness_registry
from ptp_core.measure.harness import FOLDER, RESULTS, measure_task
from ptp_core.measure.harness_items import measure_items
from ptp_core.measure.measured import Measured, metrics_of
from ptp_core.spec.harness import HarnessSettings
from tests.measure import harness_tasks
from tests.measure.harness_tasks import ANSWER, CHOICE, LIKELY
from tests.preloading.preloaded import Preloaded
from tests.tiny import Tiny

pytestmark = pytest.mark.slow
DATA = Path(os.environ.get("PTP_DATA_ROOT", "/nowhere"))
ROWS = 8
SHARED = HarnessSettings(items="shared")


def command_line(
    preloaded: Preloaded, model: Path, asked: Sequence[Path | str], folder: Path, *options: str
) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """(results, samples by task) of ``lm_eval run`` as a user types it, in the folder of the YAML if it is one."""
    command = [
        *(preloaded.command("lm_eval"), "run", "--model", "hf", "--device", "cpu", "--log_samples"),
        *("--model_args", f"pretrained={model},dtype=float32", "--batch_size", str(ROWS)),
        *("--tasks", ",".join(str(task) for task in asked), "--output_path", str(folder / "out"), *options),
    ]
    here, environment = Path(asked[0]).parent, os.environ | preloaded.environment
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    (results,) = folder.rglob("results_*.json")
    samples = {
        path.name.removeprefix("samples_").rsplit("_", 1)[0]: [
            json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()
        ]
        for path in folder.rglob("samples_*.jsonl")
    }
    return json.loads(results.read_text(encoding="utf-8")), samples


def records(name: str, count: int) -> list[dict[str, Any]]:
    with gzip.open(DATA / "tasks" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in islice(lines, count)]


def models(tiny: Tiny, folder: Path) -> dict[str, Path]:
    return {
        "ours": harness_tasks.random_model(folder / "ours", tiny.tokenizer, context=512),
        "theirs": harness_tasks.imported_model(folder / "theirs", tiny),
    }


def assert_same(measured: Measured, theirs: dict[str, Any]) -> None:
    """Every number of the command line is a quantity of ours, to the last digit."""
    kept = json.loads(json.dumps(metrics_of(measured)))["quantities"]
    for key, value in theirs.items():
        metric, _, _ = key.partition(",")
        if "," not in key or metric.endswith("_stderr"):
            continue
        error = theirs[key.replace(metric, f"{metric}_stderr", 1)]
        assert (kept[metric]["value"], kept[metric]["stderr"]) == (value, None if error == "N/A" else error)
        assert kept[metric]["n_items"] == theirs["sample_len"]


def logprobs(samples: list[Any]) -> list[float]:
    return [
        float(answer[0][0])
        for sample in sorted(samples, key=lambda sample: int(sample["doc_id"]))
        for answer in sample["resps"]
        if isinstance(answer[0], list)
    ]


def said(samples: list[Any]) -> list[Any]:
    return [s["resps"] for s in sorted(samples, key=lambda s: int(s["doc_id"])) if isinstance(s["resps"][0][0], str)]


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="PTP_DATA_ROOT does not name a folder with tasks/")
@pytest.mark.parametrize("kind", ["ours", "theirs"])
def test_scores_errors_and_log_probabilities_are_those_of_the_command_line(
    kind: str, tiny: Tiny, tmp_path: Path, preloaded: Preloaded
) -> None:
    model = models(tiny, tmp_path)[kind]
    here = tmp_path / "tasks"
    choice = harness_tasks.write(here, "arc", records("arc_easy.test", 40), CHOICE, shots=2)
    answer = harness_tasks.write(here, "nq", records("nq_open.dev", 24), ANSWER, shots=1)
    likely = harness_tasks.write(here, "lambada", records("lambada_openai.test", 32), LIKELY)
    # Requests of one kind share batches within a call, so choice and likelihood are asked for in calls of their own.
    calls = [[choice, answer], [likely]]
    found = [command_line(preloaded, model, yamls, tmp_path / f"call{i}") for i, yamls in enumerate(calls)]
    for yamls, (results, samples) in zip(calls, found, strict=True):
        for yaml in yamls:
            measured = measure_task(model, SHARED, yaml, tmp_path / yaml.stem, rows=ROWS)
            assert_same(measured, results["results"][yaml.stem])
            ours = (tmp_path / yaml.stem / FOLDER / f"samples_{yaml.stem}.jsonl").read_text(encoding="utf-8")
            kept = [json.loads(line) for line in ours.splitlines()]
            assert logprobs(kept) == pytest.approx(logprobs(samples[yaml.stem]), abs=1e-5)
            assert said(kept) == said(samples[yaml.stem])


def test_a_group_is_summed_up_as_on_the_command_line(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preloaded: Preloaded
) -> None:
    model, folder = models(tiny, tmp_path)["ours"], tmp_path / "registry"
    harness_tasks.write_group(folder, {"short": 6, "long": 12})
    known = harness_registry.scan(folder)
    monkeypatch.setattr(harness_check, "names", lambda: known)
    monkeypatch.setattr(harness_check, "tasks_folder", lambda: folder)
    results, _ = command_line(preloaded, model, ["quizzes"], tmp_path / "theirs", "--include_path", str(folder))
    settings = HarnessSettings(task="quizzes", items="shared")
    assert_same(measure_task(model, settings, None, tmp_path, rows=ROWS), results["results"]["quizzes"])


@pytest.mark.parametrize("family", ["cms", "rag"])
def test_the_task_written_for_our_items_runs_on_the_command_line_and_gives_the_same(
    family: str, tiny: Tiny, tmp_path: Path, preloaded: Preloaded
) -> None:
    model = models(tiny, tmp_path)["ours"]
    asked = [(prompt(item), item) for item in load_items(tiny.task(family), "test")]
    folder = tmp_path / "measured"
    folder.mkdir()
    measured = measure_items(model, "quiz", asked, None, folder, rows=ROWS)
    ours = json.loads((folder / FOLDER / RESULTS).read_text(encoding="utf-8"))["results"]
    results, samples = command_line(preloaded, model, sorted(folder.glob("*.yaml")), tmp_path / "theirs")
    assert ours == results["results"]
    for name in samples:
        lines = (folder / FOLDER / f"samples_{name}.jsonl").read_text(encoding="utf-8").splitlines()
        kept = [json.loads(line) for line in lines]
        assert logprobs(kept) == pytest.approx(logprobs(samples[name]), abs=1e-5)
        assert {one["doc_hash"] for one in kept} == {one["doc_hash"] for one in samples[name]}
    assert measured.quantities[measured.headline].value == results["results"]["quiz"][f"{measured.headline},none"]
