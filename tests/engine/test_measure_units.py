"""What is measured on a checkpoint, as units: which half of a harness task's items each of them scores."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptp_core.engine.workflow import plan
from tests.engine.good_study import STUDY

COLOURS = """\
task: NAME
dataset_path: json
dataset_kwargs: {data_files: {test: FILE}}
test_split: test
output_type: multiple_choice
doc_to_text: question
doc_to_choice: choices
doc_to_target: answer_idx
"""


def parts(folder: Path, tasks: str, indicator: str, tested: str, items: str = "disjoint") -> dict[str, str]:
    """Stage → the half of the items that is scored; nothing for a task of ours."""
    text = STUDY.replace("tasks:\n", f"tasks:\n{tasks}").replace("[ppl_clm]", f"[kshot_{indicator}]")
    text = text.replace("finetune: {tasks: [quiz]}", f"finetune: {{tasks: [quiz], test_on: [{tested}]}}")
    (folder / "study.yaml").write_text(f"{text}items: {items}\n")
    graph = plan(folder / "study.yaml", folder / "results").graph
    settings = {unit.stage: unit.settings.model_dump().get("harness") for job in graph.jobs for unit in job.units}
    return {stage: found["part"] for stage, found in settings.items() if found}


@pytest.fixture
def task(folder: Path) -> Path:
    for name, file in (("one", "a.jsonl"), ("two", "a.jsonl"), ("three", "b.jsonl")):
        (folder / f"{name}.yaml").write_text(COLOURS.replace("NAME", name).replace("FILE", file))
        (folder / file).write_text("{}\n")
    return folder


YAMLS = "".join(f"  {name}: {{family: cms, yaml: {name}.yaml}}\n" for name in ("one", "two", "three"))
HALVES = {"indicators": "indicator", "evaluate": "outcome"}
WHOLE = {"indicators": "all", "evaluate": "all"}


def test_tasks_over_the_same_data_share_no_item_whatever_they_are_called(task: Path) -> None:
    assert parts(task, YAMLS, "one", "one") == HALVES
    assert parts(task, YAMLS, "one", "two") == HALVES
    assert parts(task, YAMLS, "one", "three") == WHOLE
    assert parts(task, YAMLS, "one", "two", items="shared") == WHOLE


def test_a_group_of_the_harness_shares_no_item_with_its_tasks(folder: Path) -> None:
    tasks = "".join(f"  {name}: {{family: cms, harness: {name}}}\n" for name in ("mmlu", "mmlu_anatomy", "piqa"))
    assert parts(folder, tasks, "mmlu", "mmlu_anatomy") == HALVES
    assert parts(folder, tasks, "mmlu_anatomy", "mmlu") == HALVES
    assert parts(folder, tasks, "mmlu", "piqa") == WHOLE


def test_a_plug_in_is_decided_by_what_it_imports_from_beside_it(folder: Path) -> None:
    (folder / "helper.py").write_text("VALUE = 1\n")
    (folder / "mine.py").write_text(
        "from ptp_core.indicators import Probe, indicator\nfrom helper import VALUE\n\n\n"
        '@indicator(higher_is_better=True)\ndef mine(probe: Probe) -> float:\n    """Mine."""\n    return VALUE\n'
    )
    text = STUDY.replace("[ppl_clm]", "[ppl_clm, mine]\nplugins: [mine.py]")
    (folder / "study.yaml").write_text(text)

    def fingerprints() -> dict[str, str]:
        graph = plan(folder / "study.yaml", folder / "results").graph
        return {f"{unit.stage} {unit.label}": unit.fingerprint for job in graph.jobs for unit in job.units}

    before = fingerprints()
    (folder / "helper.py").write_text("VALUE = 2.5\n")
    changed = {name for name, value in fingerprints().items() if before[name] != value}
    assert len(changed) == 4
    assert all(name.startswith("indicators ") and name.endswith(" mine") for name in changed)
