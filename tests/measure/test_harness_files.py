"""What decides a local task: found without running any of it, and named with file and line where it is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptp_core.errors import UserError
from ptp_core.measure.harness_check import find_task
from ptp_core.measure.harness_files import files_of, hub_of, local_data, read_task
from ptp_core.spec.harness import HarnessSettings

EVIL = "raise SystemExit('this code was run')\n"


def write(folder: Path, **files: str) -> Path:
    """Files by name, ``__`` for a dot; returns ``task.yaml``."""
    for name, text in files.items():
        path = folder / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "task.yaml"


def local(data: str) -> str:
    return f"task: t\ndataset_path: json\ndataset_kwargs: {{data_files: {data}}}\ntest_split: test\n"


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_are_the_yaml_its_includes_its_code_and_its_data(tmp_path: Path) -> None:
    task = write(
        tmp_path,
        task__yaml="include: base.yaml\ntask: t\nprocess_docs: !function utils.clean\n",
        base__yaml="include: deeper_yaml\n" + local("{test: [a.jsonl, b.jsonl], train: c.jsonl}"),
        deeper_yaml="metric_list: [{metric: !function scores.best}]\n",
        utils__py=EVIL,
        scores__py=EVIL,
        a__jsonl="{}", b__jsonl="{}", c__jsonl="{}",
    )  # fmt: skip
    expected = ["task.yaml", "base.yaml", "deeper_yaml", "utils.py", "scores.py", "a.jsonl", "b.jsonl", "c.jsonl"]
    assert sorted(names(files_of(task))) == sorted(expected)


def test_are_the_modules_beside_its_code_too(tmp_path: Path) -> None:
    task = write(
        tmp_path,
        task__yaml="task: t\nprocess_docs: !function utils.clean\n",
        utils__py=f"import deep.er\nfrom helper import one\nimport os, json\n{EVIL}",
        helper__py=f"def late():\n    import utils, last\n{EVIL}",
        last__py="not Python (", unused__py="", **{"deep/er__py": "", "deep/not__py": ""},
    )  # fmt: skip
    found = [str(path.relative_to(tmp_path)) for path in files_of(task)]
    assert found == ["task.yaml", "utils.py", "deep/er.py", "helper.py", "last.py"]


def test_what_is_nearest_wins_as_in_the_harness(tmp_path: Path) -> None:
    from lm_eval.tasks._yaml_loader import load_yaml

    task = write(
        tmp_path, task__yaml="include: [a.yaml, b.yaml]\nx: 1\n", a__yaml="x: 2\ny: 2\n", b__yaml="y: 3\nz: 3\n"
    )
    assert read_task(task).config == load_yaml(task) == {"x": 1, "y": 3, "z": 3}
    assert str(read_task(task).where("z")).endswith("b.yaml:2")


def test_data_lie_beside_the_yaml_that_names_them_or_else_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = write(tmp_path / "tasks", task__yaml=local("{test: both.jsonl, train: here.jsonl}"), both__jsonl="1")
    write(tmp_path / "cwd", both__jsonl="2", here__jsonl="3")
    monkeypatch.chdir(tmp_path / "cwd")
    found = local_data(read_task(task))["dataset_kwargs"]["data_files"]
    assert found == {"test": str(tmp_path / "tasks" / "both.jsonl"), "train": str(tmp_path / "cwd" / "here.jsonl")}


def test_patterns_and_a_folder_of_data_are_followed(tmp_path: Path) -> None:
    kwargs = "dataset_kwargs: {data_dir: data, data_files: {test: '*.jsonl'}}\n"
    task = write(
        tmp_path, **{"task__yaml": f"task: t\ndataset_path: json\n{kwargs}", "data/a__jsonl": "", "data/b__jsonl": ""}
    )
    assert names(files_of(task)) == ["task.yaml", "a.jsonl", "b.jsonl"]


def test_a_data_set_saved_in_a_folder_is_all_its_files(tmp_path: Path) -> None:
    task = write(
        tmp_path, **{"task__yaml": "task: t\ndataset_path: saved\n", "saved/test__parquet": "", "saved/info": ""}
    )
    assert names(files_of(task)) == ["task.yaml", "info", "test.parquet"]
    assert hub_of(read_task(task)) is None


def test_a_hub_is_named(tmp_path: Path) -> None:
    assert hub_of(read_task(write(tmp_path, task__yaml="task: t\ndataset_path: baber/piqa\n"))) == "baber/piqa"
    remote = local("{test: 'hf://datasets/a/b/c.jsonl'}")
    assert hub_of(read_task(write(tmp_path, task__yaml=remote))) == "hf://datasets/a/b/c.jsonl"
    assert hub_of(read_task(write(tmp_path, task__yaml=local("a.jsonl")))) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (local("{test: gone.jsonl}"), r"task.yaml:3: no such data file; got 'gone.jsonl'"),
        ("task: t\n\ninclude: gone.yaml\n", r"task.yaml:3: no such file; got '/"),
        (
            "task: t\na: 1\nprocess_docs: !function gone.f\n",
            r"task.yaml:3 !function gone.f: there is no such Python file",
        ),
        ("task: [t\n", r"task.yaml:\d: broken YAML"),
        ("- a\n", r"task.yaml: this is not a task"),
        ("include: task.yaml\n", r"task.yaml:1: this file includes itself"),
        ("task: !!python/object/apply:os.system [ls]\n", r"task.yaml:1: broken YAML"),
        ("a: " + "[" * 1500, r"task.yaml.*: broken YAML"),
    ],
)
def test_what_is_missing_or_broken_is_named_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        files_of(write(tmp_path, task__yaml=text))


def test_a_function_of_an_installed_module_is_no_file(tmp_path: Path) -> None:
    task = write(tmp_path, task__yaml="process_results: !function ptp_core.measure.text_metrics.process_results\n")
    assert names(files_of(task)) == ["task.yaml"]


@pytest.mark.parametrize(
    ("name", "hub"),
    [
        ("piqa", "baber/piqa"),
        ("squadv2", "squadv2"),
        ("ruler_qa_squad", "ruler_qa_squad"),
        ("babilong_qa1", "babilong_qa1"),
    ],
)
def test_a_task_of_the_harness_reads_a_hub_whatever_is_in_the_current_folder(
    name: str, hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "baber" / "piqa").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert hub_of(find_task(HarnessSettings(task=name), None)) == hub
