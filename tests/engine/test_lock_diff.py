from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ptp_core.engine.lock.diff import Tolerance, difference
from ptp_core.identity.lockfile import lock_text
from tests.engine.good_study import edit
from tests.engine.locks import finish, fix_code, planned_here, ptp

RESULT = {"fingerprint": "f", "status": "ok", "artifacts": "a", "metrics": {"loss": 1.0, "steps": 100}}
ONE: dict[str, Any] = {
    "reproducible/elsewhere": {"level": "statistical", "absolute": 0.05, "relative": 0.02},
    "code/pretrain": "c",
    "unit/pretrain/a": "f",
    "unit/pretrain/b": "g",
    "result/pretrain/a": RESULT,
    "headline/quiz/best": {"of": "s", "variant": "a", "value": 0.5},
}


def without(*keys: str) -> dict[str, Any]:
    return {key: value for key, value in ONE.items() if key not in keys}


def test_a_lock_does_not_differ_from_itself() -> None:
    found = difference(ONE, dict(ONE))
    assert not found.exists
    assert (found.results.equal, found.headlines.equal) == (1, 1)


def test_units_are_added_gone_changed_or_renamed() -> None:
    other = without("unit/pretrain/a", "unit/pretrain/b") | {"unit/pretrain/c": "f", "unit/pretrain/d": "h"}
    found = difference(ONE, other)
    assert found.renamed == [("unit/pretrain/a", "unit/pretrain/c")]
    assert [str(change) for change in found.units] == ["pretrain/b is gone", "pretrain/d is new"]
    changed = difference(ONE, ONE | {"unit/pretrain/b": "h"})
    assert [str(change) for change in changed.units] == ["pretrain/b: g → h"]
    assert found.exists
    assert changed.exists


def test_the_result_of_a_renamed_unit_is_compared_under_its_new_name() -> None:
    other = without("unit/pretrain/a", "result/pretrain/a") | {"unit/pretrain/c": "f", "result/pretrain/c": RESULT}
    assert difference(ONE, other).results.equal == 1


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({}, "equal"),
        ({"artifacts": "b"}, "within"),
        ({"artifacts": "b", "metrics": {"loss": 1.04, "steps": 100}}, "within"),
        ({"artifacts": "b", "metrics": {"loss": 1.06, "steps": 100}}, "beyond"),
        ({"artifacts": "b", "metrics": {"loss": 1.0, "steps": 102}}, "within"),
        ({"artifacts": "b", "metrics": {"loss": 1.0, "steps": 103}}, "beyond"),
        ({"artifacts": "b", "metrics": {"loss": 1.0}}, "beyond"),
        ({"status": "diverged"}, "beyond"),
    ],
)
def test_results_are_equal_within_the_tolerance_or_beyond_it(changed: dict[str, Any], kind: str) -> None:
    found = difference(ONE, ONE | {"result/pretrain/a": RESULT | changed})
    counts = {"equal": found.results.equal, "within": len(found.results.within), "beyond": len(found.results.beyond)}
    assert counts == {"equal": 0, "within": 0, "beyond": 0} | {kind: 1}
    assert found.exists == (kind == "beyond")


def test_the_tolerance_is_the_one_that_the_first_lock_declares() -> None:
    strict = ONE | {"reproducible/elsewhere": {"absolute": 0.0, "relative": 0.001}}
    other = strict | {"result/pretrain/a": RESULT | {"artifacts": "b", "metrics": {"loss": 1.01, "steps": 100}}}
    assert difference(strict, other).results.beyond
    assert not difference(ONE, ONE | {"result/pretrain/a": other["result/pretrain/a"]}).exists


def test_words_and_truth_values_have_no_tolerance() -> None:
    assert Tolerance().holds(0.5, 0.54)
    assert not Tolerance().holds("a", "b")
    assert not Tolerance().holds(True, 1)
    assert not Tolerance().holds(None, 0.0)


@pytest.mark.parametrize(
    ("changed", "differs"),
    [({"of": "t"}, False), ({"value": 0.52}, False), ({"value": 0.6}, True), ({"variant": "b"}, True)],
)
def test_headline_numbers_are_compared_with_both_values(changed: dict[str, Any], differs: bool) -> None:
    found = difference(ONE, ONE | {"headline/quiz/best": ONE["headline/quiz/best"] | changed})
    assert found.exists == differs
    for change in found.headlines.beyond:
        assert (change.old, change.new) == ({k: ONE["headline/quiz/best"][k] for k in changed}, changed)


def test_what_one_side_alone_has_is_a_difference() -> None:
    assert difference(ONE, without("result/pretrain/a")).results.only_one == ["result/pretrain/a"]
    assert difference(without("headline/quiz/best"), ONE).headlines.only_other == ["headline/quiz/best"]
    assert difference(ONE, without("result/pretrain/a")).exists


def test_a_spec_stands_for_its_study_as_it_is_here(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fix_code(monkeypatch)
    finish(planned_here(folder))
    spec, lock, results = folder / "study.yaml", folder / "study.lock", folder / "results"
    ptp("lock", spec, results=results)
    capsys.readouterr()
    assert ptp("diff", lock, spec, results=results) == 0
    assert capsys.readouterr().out == (
        "asked, sources, code, packages and units: the same\n"
        "results: 28 equal to the last bit, 0 within the tolerance, 0 beyond it\n"
        "headline numbers: 2 equal to all digits, 0 within the tolerance, 0 beyond it\n"
    )
    # Another host class: other bits, nearly the same numbers.
    finish(planned_here(folder), sha256="b" * 64, loss=1.51)
    assert ptp("diff", lock, spec, results=results) == 0
    assert "results: 0 equal to the last bit, 28 within the tolerance, 0 beyond it" in capsys.readouterr().out
    finish(planned_here(folder), sha256="b" * 64, loss=1.8)
    assert ptp("diff", lock, spec, results=results) == 1
    said = capsys.readouterr().out
    assert "  beyond quiz/best: value 0.5 → value 0.6\n" in said
    assert "  beyond evaluate/clm-even quiz seed 0: acc 0.5 → acc 0.6\n" in said
    assert ptp("diff", lock, spec, results=folder / "empty") == 1
    assert f"28 in {lock} only, such as " in capsys.readouterr().out


def test_it_is_said_in_json_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fix_code(monkeypatch)
    results = folder / "results"
    ptp("lock", folder / "study.yaml", results=results)
    (folder / "study.lock").rename(folder / "old.lock")
    edit("study.yaml", "tokens: 1M", "tokens: 2M")(folder)
    fix_code(monkeypatch, "edited")
    ptp("lock", folder / "study.yaml", results=results)
    capsys.readouterr()
    assert ptp("diff", folder / "old.lock", folder / "study.lock", "--json", results=results) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["differs"] is True
    assert {change["key"] for change in found["asked"]["code"]} >= {"code/pretrain", "code/select"}
    assert "unit/pretrain/clm-even" in {change["key"] for change in found["units"]}


def test_a_lock_that_is_not_there_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.lock").write_text(lock_text(ONE))
    assert ptp("diff", tmp_path / "a.lock", tmp_path / "b.lock", results=tmp_path) == 2
    assert "b.lock: no such file" in capsys.readouterr().err
