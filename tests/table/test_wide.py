"""A wide table is read into the tidy schema, or refused with the line of the mistake."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptp_core.errors import UserError, Where
from ptp_core.spec.measurements import ColumnMeaning, WideTable
from ptp_core.table.matching import as_number
from ptp_core.table.wide import read_wide

GOOD = "model,lr,objective,loss,sft\nm1,1e-4,CLM,3.5,70\nm2,2.5e-4,SC,3.25,71\nm3,5e-4,SC,3,72\nm4,1e-3,CLM,2.5,73.5\n"
SPEC = Where("specs/mine.yaml", 7)

Read = Callable[..., pd.DataFrame]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a file and read it through a mapping; keyword arguments change the mapping."""

    def read_text(content: str | bytes, name: str = "t.csv", **mapping: Any) -> pd.DataFrame:
        raw = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(raw)
        standard: dict[str, Any] = {
            "path": name,
            "variant": "model",
            "config": ("lr", "objective"),
            "indicators": {"loss": ColumnMeaning(higher_is_better=False)},
            "outcomes": ("sft",),
        }
        return read_wide(WideTable(**(standard | mapping)), tmp_path, SPEC)

    return read_text


def refused(read: Read, content: str | bytes, **mapping: Any) -> str:
    with pytest.raises(UserError) as error:
        read(content, **mapping)
    return str(error.value)


def test_numbers_words_directions_and_lines_arrive(read: Read) -> None:
    table = read(GOOD)
    assert len(table) == 16
    m2 = table[table["variant"] == "m2"].set_index("name")
    assert m2.loc["lr", "value"] == 2.5e-4
    assert m2.loc["objective", "text"] == "SC"
    assert list(m2.loc["loss", ["kind", "value", "higher_is_better"]]) == ["indicator", 3.25, False]
    assert list(m2.loc["sft", ["kind", "value", "higher_is_better"]]) == ["outcome", 71.0, True]
    assert set(m2["source"]) == {"t.csv:3"}
    assert set(m2["digest"]) == {hashlib.sha256(GOOD.encode()).hexdigest()}


def test_a_config_column_with_one_word_is_words_throughout(read: Read) -> None:
    table = read(GOOD.replace("1e-3", "warm"))
    assert table.loc[table["name"] == "lr", "text"].tolist() == ["1e-4", "2.5e-4", "5e-4", "warm"]


def test_gzip_tabs_byte_order_mark_and_windows_line_ends_are_read(read: Read) -> None:
    plain = read(GOOD).drop(columns=["source", "digest"])
    forms: dict[str, bytes] = {
        "t.csv.gz": gzip.compress(GOOD.encode()),
        "t.tsv": GOOD.replace(",", "\t").encode(),
        "bom.csv": b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode(),
    }
    for name, raw in forms.items():
        pd.testing.assert_frame_equal(read(raw, name=name, path=name).drop(columns=["source", "digest"]), plain)


def test_an_index_and_lists_of_a_parquet_file_do_no_harm(read: Read, tmp_path: Path) -> None:
    frame = pd.DataFrame({"m": ["a", "b", "c", "d"], "x": [1, 2, 3, 4], "y": [4, 3, 2, 1], "e": [[1, 2]] * 4})
    frame.set_index("m").to_parquet(tmp_path / "made.parquet")
    raw = (tmp_path / "made.parquet").read_bytes()
    table = read(raw, name="i.parquet", path="i.parquet", variant="m", config=(), indicators=("x",), outcomes=("y",))
    assert list(table["variant"].unique()) == ["a", "b", "c", "d"]


def test_parquet_is_read_like_csv(read: Read, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(GOOD)
    pd.read_csv(tmp_path / "p.csv").to_parquet(tmp_path / "made.parquet")
    table = read((tmp_path / "made.parquet").read_bytes(), name="p.parquet", path="p.parquet")
    pd.testing.assert_frame_equal(
        table.drop(columns=["source", "digest"]), read(GOOD).drop(columns=["source", "digest"])
    )


def test_lines_are_those_of_the_file_even_after_a_quoted_line_break_and_a_blank_line(read: Read) -> None:
    text = GOOD.replace("m1,1e-4,CLM", 'm1,1e-4,"C\nLM"').replace("m3,5e-4,SC,3,72", "\nm3,5e-4,SC,three,72")
    assert "t.csv:6 loss: not a number; got 'three'" in refused(read, text)


def test_variables_in_the_path_are_expanded_or_refused(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLES", str(tmp_path))
    assert len(read(GOOD, path="${TABLES}/t.csv")) == 16
    assert "specs/mine.yaml:7 measurements.path: the environment variable NO_SUCH is not set" in refused(
        read, GOOD, path="${NO_SUCH}/t.csv"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("3.25", "n/a", "t.csv:3 loss: not a number; got 'n/a'"),
        ("3.25", "1,5", "t.csv:3: not a table; expected 5 cells, as in the header, got '6 cells'"),
        ("3.25", "", "t.csv:3 loss: cell is empty"),
        ("3.25", "NaN", "t.csv:3 loss: not a finite number; got 'NaN'"),
        ("3.25", "-inf", "t.csv:3 loss: not a finite number"),
        ("3.25", "1e999", "t.csv:3 loss: not a finite number"),
        ("3.25", "1_000", "t.csv:3 loss: not a number"),
        ("71\n", "71 %\n", "t.csv:3 sft: not a number"),
        ("m3", "m2", "t.csv:4 model: variant is named twice; got 'm2'; first on line 3"),
        ("m3", " ", "t.csv:4 model: variant has no name"),
        ("2.5e-4", "", "t.csv:3 lr: cell is empty"),
        ("model,lr", "model,model", "t.csv:1 model: column appears twice"),
        ("loss", "los", "t.csv:1: no such indicator column; got 'loss'; did you mean \"los\"?"),
        ("m4,1e-3,CLM,2.5,73.5\n", "", "t.csv: too few variants to compare; expected at least 4 variants, got 3"),
        ("CLM,3.5", '"CLM,3.5', "not a table"),
    ],
)
def test_a_mistake_is_named_with_its_line(read: Read, old: str, new: str, said: str) -> None:
    assert said in refused(read, GOOD.replace(old, new, 1))


def test_files_that_are_no_tables_are_refused(read: Read) -> None:
    assert "the file is empty" in refused(read, " \n")
    assert "damaged gzip file" in refused(read, gzip.compress(GOOD.encode())[:-9], name="c.csv.gz", path="c.csv.gz")
    assert "damaged gzip file" in refused(read, b"plain text", name="d.csv.gz", path="d.csv.gz")
    assert "separated by commas" in refused(read, GOOD.replace(",", ";"))
    assert "text in UTF-8" in refused(read, GOOD.replace("m2", "mü").encode("latin-1"))
    assert "a binary file" in refused(read, b"a,b\n\0\0,1\n")
    assert "damaged or not a Parquet file" in refused(read, b"text", name="t.parquet", path="t.parquet")
    assert "specs/mine.yaml:7 measurements.path: table not found" in refused(read, GOOD, path="none.csv")
    assert "is a folder" in refused(read, GOOD, path=".")


def test_a_column_has_one_meaning(read: Read) -> None:
    assert "specs/mine.yaml:7 lr: column is mapped twice" in refused(read, GOOD, outcomes=("sft", "lr"))
    assert "model: column is mapped twice" in refused(read, GOOD, config=("model",))
    assert "sft: column is mapped twice" in refused(read, GOOD, outcomes=("sft", "sft"))


def test_many_mistakes_are_listed_ten_at_a_time(read: Read) -> None:
    rows = "".join(f"m{i},1,SC,x,y\n" for i in range(9))
    lines = refused(read, "model,lr,objective,loss,sft\n" + rows).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "… and 8 more mistakes like these"


@given(st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=100, deadline=None)
def test_every_finite_number_is_read_exactly(value: float) -> None:
    assert as_number(repr(value)) == value


@given(st.text(max_size=8))
@settings(max_examples=200, deadline=None)
def test_no_text_makes_the_number_reader_fail(cell: str) -> None:
    number = as_number(cell)
    assert number is None or isinstance(number, float)


ON_THE_WAY = """\
size,name,seen,lr,loss,sft
1M,a,10,1e-4,3.5,
1M,a,,1e-4,3.25,70
1M,b,10,2e-4,3,
1M,b,20,2e-4,2.75,71
2M,a,10,3e-4,2.5,
2M,a,20,3e-4,nan,72
2M,b,20,,2.25,73
2M,b,30,4e-4,2,74
"""
CHECKPOINTS: dict[str, Any] = {
    "variant": ("size", "name"),
    "config": ("lr", "size"),
    "tokens": "seen",
    "missing": "allow",
}


def test_a_variant_of_several_columns_may_have_a_row_per_checkpoint(read: Read) -> None:
    table = read(ON_THE_WAY, **CHECKPOINTS)
    own = table[(table["variant"] == "1M-a") & (table["name"] == "loss")]
    assert own["checkpoint_tokens"].isna().tolist() == [True, False]
    assert own["value"].tolist() == [3.25, 3.5]
    assert own["source"].tolist() == ["t.csv:3", "t.csv:2"]
    assert sorted(set(table["variant"])) == ["1M-a", "1M-b", "2M-a", "2M-b"]


def test_a_setting_has_one_row_a_variant_whatever_its_checkpoints(read: Read) -> None:
    settings = read(ON_THE_WAY, **CHECKPOINTS).query("kind == 'config'")
    assert settings["checkpoint_tokens"].isna().all()
    assert settings.query("name == 'lr'")["value"].tolist() == [1e-4, 2e-4, 3e-4, 4e-4]
    assert settings.query("name == 'size'")["text"].tolist() == ["1M", "1M", "2M", "2M"]


def test_what_was_not_measured_makes_no_row_where_that_is_allowed(read: Read) -> None:
    table = read(ON_THE_WAY, **CHECKPOINTS)
    assert (table["name"] == "sft").sum() == 5
    assert (table["name"] == "loss").sum() == 7
    assert "t.csv:2 sft: cell is empty" in refused(read, ON_THE_WAY, **(CHECKPOINTS | {"missing": "refuse"}))


def test_steps_are_turned_into_tokens(read: Read) -> None:
    given = CHECKPOINTS | {"tokens": None, "step": "seen", "tokens_per_step": 2048}
    table = read(ON_THE_WAY, **given)
    assert sorted(set(table["checkpoint_tokens"].dropna())) == [20_480, 40_960, 61_440]


def test_missing_numbers_of_a_parquet_file_were_not_measured(read: Read, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(ON_THE_WAY)
    pd.read_csv(tmp_path / "p.csv").to_parquet(tmp_path / "made.parquet")
    table = read((tmp_path / "made.parquet").read_bytes(), name="p.parquet", path="p.parquet", **CHECKPOINTS)
    pd.testing.assert_frame_equal(
        table.drop(columns=["source", "digest", "text"]),
        read(ON_THE_WAY, **CHECKPOINTS).drop(columns=["source", "digest", "text"]),
    )


def test_rows_that_a_filter_leaves_out_are_not_read(read: Read) -> None:
    wrong_row = GOOD + "m5,x,x,x,x\n"
    assert len(read(wrong_row, only={"model": ("m1", "m2", "m3", "m4")})) == 16
    assert "specs/mine.yaml:7 only.objective: no row is left; got 'MLM'; there is: CLM, SC" in refused(
        read, GOOD, only={"objective": "MLM"}
    )
    assert "t.csv:1: no such only column; got 'modle'" in refused(read, GOOD, only={"modle": "m1"})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("b,20,2e-4", "b,20,5e-4", "t.csv:5 lr: two values for variant 1M-b; expected 2e-4, as on line 4, got '5e-4'"),
        ("1M,b,20", "1M,b,10.0", "t.csv:5 size, name: checkpoint 10.0 is there twice; got '1M-b'; first on line 4"),
        ("1M,a,10", "1M,a,", "t.csv:3 size, name: checkpoint at the end is there twice; got '1M-a'; first on line 2"),
        ("1M,a,10", "1M,,10", "t.csv:2 name: variant has no name"),
        ("1M,a,10", "1M,a,ten", "t.csv:2 seen: not a number of tokens; expected a whole number"),
        (",3.5,", ",inf,", "t.csv:2 loss: not a finite number; got 'inf'"),
        (",3.5,", ",n/a,", "t.csv:2 loss: not a number; got 'n/a'"),
        ("size,name,seen", "size,name,sean", "t.csv:1: no such tokens column; got 'seen'; did you mean \"sean\"?"),
    ],
)  # fmt: skip
def test_a_mistake_in_checkpoints_is_named_with_its_line(read: Read, old: str, new: str, said: str) -> None:
    assert said in refused(read, ON_THE_WAY.replace(old, new, 1), **CHECKPOINTS)


def test_checkpoints_of_two_variants_are_worth_reading(read: Read) -> None:
    table = read(ON_THE_WAY, **CHECKPOINTS, only={"size": "1M"})
    assert set(table["variant"]) == {"1M-a", "1M-b"}


def test_tokens_may_be_written_as_people_write_them_and_are_whole(read: Read) -> None:
    table = read(ON_THE_WAY.replace("1M,a,10,", "1M,a,0.25B,", 1), **CHECKPOINTS)
    assert 250_000_000 in set(table["checkpoint_tokens"].dropna())
    for wrong in ("0.25", "-3", "1e30"):
        assert "not a number of tokens" in refused(
            read, ON_THE_WAY.replace("1M,a,10,", f"1M,a,{wrong},", 1), **CHECKPOINTS
        )


def test_a_column_that_nobody_measured_is_refused(read: Read) -> None:
    content = "".join(f"{line},\n" for line in GOOD.splitlines()).replace("sft,\n", "sft,acc\n")
    said = refused(read, content, outcomes=("sft", "acc"), missing="allow")
    assert "t.csv:1 acc: no cell of the column is filled in the rows that are read; take the column out" in said


def test_a_clock_has_one_meaning(read: Read) -> None:
    assert "seen: column is mapped twice" in refused(read, ON_THE_WAY, **(CHECKPOINTS | {"config": ("seen",)}))
