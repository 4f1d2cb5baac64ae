"""A long table is read into the tidy schema through its mapping, or refused with the line of the mistake."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ptp_core.errors import UserError, Where
from ptp_core.spec.measurements import LongMapping, LongTable
from ptp_core.table.long import read_long

DATA = Path(os.environ.get("PTP_DATA_ROOT", "/nowhere"))
SPEC = Where("specs/mine.yaml", 7)
GOOD = """\
model,lr,step,tuned,task,metric,shots,score,se
a,1e-4,10,none,quiz,acc,4,0.25,0.02
a,1e-4,10,quiz,quiz,acc,4,0.75,0.01
a,1e-4,10,none,text,ppl,0,9.5,
b,5e-4,20,none,quiz,acc,4,0.5,0.02
b,5e-4,20,quiz,quiz,acc,4,0.875,0.01
b,5e-4,20,none,text,ppl,0,8,
"""
MAPPING: dict[str, Any] = {
    "variant": "model",
    "name": "task",
    "value": "score",
    "stderr": "se",
    "train_task": "tuned",
    "config": ("lr",),
    "indicators": {"tuned": "none"},
    "outcomes": "others",
}

Read = Callable[..., pd.DataFrame]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a file and read it through a mapping; keyword arguments change the mapping."""

    def read_text(content: str, **mapping: Any) -> pd.DataFrame:
        (tmp_path / "t.csv").write_text(content)
        return read_long(LongTable(path="t.csv", long=LongMapping(**(MAPPING | mapping))), tmp_path, SPEC)

    return read_text


def refused(read: Read, content: str, **mapping: Any) -> str:
    with pytest.raises(UserError) as error:
        read(content, **mapping)
    return str(error.value)


def test_rows_arrive_with_their_kind_error_line_and_digest(read: Read) -> None:
    table = read(GOOD, lower_is_better=("text",))
    a = table[table["variant"] == "a"].set_index(["kind", "name"])
    assert a.loc[("indicator", "quiz"), ["value", "stderr", "source"]].tolist() == [0.25, 0.02, "t.csv:2"]
    assert a.loc[("outcome", "quiz"), ["value", "train_task", "source"]].tolist() == [0.75, "quiz", "t.csv:3"]
    assert a.loc[("config", "lr"), "value"] == 1e-4
    assert pd.isna(a.loc[("indicator", "quiz"), "train_task"])
    assert pd.isna(a.loc[("indicator", "text"), "stderr"])
    assert not a.loc[("indicator", "text"), "higher_is_better"]
    assert set(table["digest"]) == {hashlib.sha256(GOOD.encode()).hexdigest()}


def test_variants_and_names_may_be_made_of_several_columns(read: Read) -> None:
    table = read(GOOD, variant=("model", "step"), name=("task", "metric"))
    assert set(table["variant"]) == {"a-10", "b-20"}
    assert set(table["name"]) == {"lr", "quiz.acc", "text.ppl"}


def test_steps_become_tokens(read: Read) -> None:
    table = read(GOOD, step="step", tokens_per_step=100)
    assert set(table["checkpoint_tokens"].dropna()) == {1000, 2000}


@pytest.mark.parametrize("wanted", [4, 4.0, "4", "4e0", (4, 5)])
def test_only_some_rows_are_read(read: Read, wanted: Any) -> None:
    assert set(read(GOOD, only={"shots": wanted})["name"]) == {"lr", "quiz"}


def test_rows_that_are_neither_are_left_out(read: Read) -> None:
    table = read(GOOD, indicators={"metric": "ppl"}, outcomes={"tuned": ["quiz", "other"]})
    assert sorted(table["kind"]) == ["config"] * 2 + ["indicator"] * 2 + ["outcome"] * 2


def test_rows_that_agree_are_one(read: Read) -> None:
    assert len(read(GOOD + "a,1e-4,10,none,quiz,acc,4,0.25,0.03\n")) == len(read(GOOD))


def test_rows_that_disagree_are_refused_naming_what_differs(read: Read) -> None:
    said = refused(read, GOOD + "a,1e-4,10,none,quiz,acc,0,0.5,0.02\n")
    assert said.endswith(
        "t.csv:8 score: another value of quiz for a than on line 2; expected 0.25, got '0.5'; "
        "map or filter what differs: shots"
    )


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"value": "scor"}, 'long.value: no such column; got \'scor\'; did you mean "score"? (columns of t.csv)'),
        ({"only": {"shot": 4}}, 'long.only: no such column; got \'shot\'; did you mean "shots"?'),
        ({"name": ("task", "metrik")}, 'long.name: no such column; got \'metrik\'; did you mean "metric"?'),
        ({"only": {"shots": 5}}, "long.only.shots: no row is left; got 5; there is: 0, 4"),
        ({"indicators": {"tuned": "base"}}, "long.indicators: no row is left; got {'tuned': 'base'}; there is: none"),
        ({"outcomes": {"task": "quiz"}}, "t.csv:2: this row is an indicator and an outcome; narrow"),
        ({"lower_is_better": ("txt",)}, 'long.lower_is_better: no such name; got \'txt\'; did you mean "text"?'),
        ({"config": ("task",)}, "t.csv:4 task: two values for variant a; expected quiz, as on line 2, got 'text'"),
        ({"value": "metric"}, "t.csv:2 metric: not a finite number; got 'acc'; correct the cell, or leave the row out"),
    ],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_is_refused(read: Read, mapping: dict[str, Any], said: str) -> None:
    assert said in refused(read, GOOD, **mapping)


@pytest.mark.parametrize(("cell", "said"), [("", "cell is empty"), ("nan", "not a finite number; got 'nan'")])
def test_a_row_without_a_number_is_refused(read: Read, cell: str, said: str) -> None:
    assert f"t.csv:2 score: {said}" in refused(read, GOOD.replace("0.25", cell))


@pytest.mark.data
@pytest.mark.skipif(not (DATA / "tables").is_dir(), reason="PTP_DATA_ROOT has no tables/")
def test_amuro_and_char_give_the_gains_that_were_published() -> None:
    mapping = LongMapping(
        variant="step", tokens="pretrain_tokens", name="eval_task", value="score", stderr="std",
        train_task="train_task", prompt_format="prompt_format", config=("step",),
        only={"shots": 4, "hf_format": True, "ft_lr": (None, 2e-6, 2e-7)},
        indicators={"train_task": "none"}, outcomes="others",
    )  # fmt: skip
    table = read_long(LongTable(path="tables/amuro_char_scores.csv.gz", long=mapping), DATA, SPEC)
    assert table["variant"].nunique() == 8
    published = {("mnli", "mnli_matched"): 0.3674, ("mnli", "mnli_mismatched"): 0.3781, ("paws", "paws"): 0.2756}
    published |= {("socialiqa", "socialiqa"): 0.5267, ("xsum", "xsum"): 0.0641}
    default = table[table["prompt_format"] == "default"]
    for (tuned, task), gain in published.items():
        scores = default[default["name"] == task]
        before = scores[scores["kind"] == "indicator"].set_index("variant")["value"]
        after = scores[scores["train_task"] == tuned].set_index("variant")["value"]
        assert len(before) == len(after) == 8
        assert (after - before).mean() == pytest.approx(gain, abs=5e-5)


def test_flags_of_a_parquet_file_are_true_and_false(tmp_path: Path) -> None:
    rows = [{"m": f"v{i}", "t": t, "hf": hf, "s": i + hf} for i in range(4) for t in "ab" for hf in (True, False)]
    pd.DataFrame(rows).to_parquet(tmp_path / "t.parquet")
    mapping = LongMapping(variant="m", name="t", value="s", only={"hf": True}, indicators={"t": "a"}, outcomes="others")
    table = read_long(LongTable(path="t.parquet", long=mapping), tmp_path, SPEC)
    assert sorted(table["value"]) == [1, 1, 2, 2, 3, 3, 4, 4]


def test_whole_numbers_of_a_float_column_name_variants_as_in_a_csv(tmp_path: Path) -> None:
    rows = [{"step": 50.0 * i, "t": t, "s": i / 3} for i in range(4) for t in "ab"]
    pd.DataFrame(rows).to_parquet(tmp_path / "t.parquet")
    mapping = LongMapping(variant="step", name="t", value="s", indicators={"t": "a"}, outcomes="others")
    table = read_long(LongTable(path="t.parquet", long=mapping), tmp_path, SPEC)
    assert set(table["variant"]) == {"0", "50", "100", "150"}
    assert set(table["value"]) == {i / 3 for i in range(4)}
