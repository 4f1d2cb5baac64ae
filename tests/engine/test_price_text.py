"""What ``ptp plan`` prints: the whole of it for the fifty variants of Zeng et al. 2025."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ptp_core import cli
from ptp_core.engine.price_text import hours, short, size
from ptp_core.errors import EXIT_USER_ERROR

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "zeng2025_plan.txt"


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("ZENG_DATA", "FLP_DATA"):
        monkeypatch.delenv(name, raising=False)


def plan(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["plan", *arguments]) == 0
    return capsys.readouterr().out


def test_the_plan_of_zeng2025_is_the_one_that_was_looked_at(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert plan(capsys, "specs/zeng2025.yaml", "--results", str(tmp_path)) == GOLDEN.read_text(encoding="utf-8"), (
        f"if that is meant: ptp plan specs/zeng2025.yaml > {GOLDEN.relative_to(ROOT)}"
    )


def test_json_holds_the_same_numbers_with_their_sums(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(plan(capsys, "specs/zeng2025.yaml", "--json"))
    first, totals = found["variants"][0], found["totals"]
    # 95,367 whole batches of 2²⁰ tokens, 6 · 1,101,109,248 + 12 · 22 · 2048 · 2048 FLOPs each.
    assert first["parameters"] == 1_101_109_248
    assert first["tokens"] == 95_367 * 2**20
    assert first["flops"] == 95_367 * 2**20 * 7_713_951_744
    assert first["layout"] == {"processes": 8, "accumulation": 8, "rows": 8}
    assert totals["pretraining_flops"] == pytest.approx(50 * first["flops"])
    assert totals["shard_bytes"] == 2 * 199_300_000_000
    assert totals["tuned_models"] == 50 * 11 * 3
    assert found["flops_formula"] == "tokens · (6·parameters + 12·layers·width·length)"


def test_half_the_utilisation_takes_twice_the_hours(capsys: pytest.CaptureFixture[str]) -> None:
    hours_at = [
        json.loads(plan(capsys, "specs/demo.yaml", "--json", "--mfu", mfu))["totals"]["device_hours"]
        for mfu in ("0.4", "0.2")
    ]
    assert hours_at[1] == pytest.approx(2 * hours_at[0])


def test_the_peak_is_the_one_asked_for_or_else_that_of_the_spec(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text((ROOT / "specs/demo.yaml").read_text() + "execution: {peak_flops: 312e12}\n")
    assert "(0.4 · 312 TFLOP/s)" in plan(capsys, str(spec))
    assert "(0.4 · 100 TFLOP/s)" in plan(capsys, str(spec), "--peak", "1e14")


@pytest.mark.parametrize("name", ["demo", "flp-ladder", "flp-m", "zeng2025", "zeng2025-published"])
def test_every_study_can_be_priced_offline(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert f"study {name}," in plan(capsys, f"specs/{name}.yaml")


@pytest.mark.parametrize(("option", "value"), [("--mfu", "0"), ("--mfu", "40"), ("--peak", "nan"), ("--peak", "-1")])
def test_an_impossible_rate_is_refused(capsys: pytest.CaptureFixture[str], option: str, value: str) -> None:
    with pytest.raises(SystemExit, match=str(EXIT_USER_ERROR)):
        cli.main(["plan", "specs/demo.yaml", option, value])
    assert f"argument {option}: {value} is " in capsys.readouterr().err


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from ptp_core import cli; cli.main(['plan', 'specs/zeng2025.yaml']); "
        "sys.exit(', '.join({'torch', 'transformers', 'datasets', 'pandas'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert ran.stderr.strip() == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (999, "999"), (1000, "1k"), (999_999, "1M"), (1_100_048_384, "1.1B"), (5e12, "5T"), (12_345, "12.3k")],
)
def test_numbers_have_three_digits_and_a_suffix(value: float, text: str) -> None:
    assert short(value) == text


def test_sizes_and_hours_are_short() -> None:
    assert [size(n) for n in (12, 1500, 4_400_193_536, 7.27e12)] == ["12 B", "1.5 kB", "4.4 GB", "7.27 TB"]
    assert [hours(x) for x in (0.5678, 27_082.4)] == ["0.568", "27,082"]
