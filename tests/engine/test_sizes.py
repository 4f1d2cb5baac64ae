"""What the table is told of size, compute and mixture where a study asks for laws of scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ptp_core.engine.price import price
from ptp_core.engine.rows import rows_of
from ptp_core.engine.workflow import plan_study
from ptp_core.files import pretty_json
from ptp_core.spec.load import load_study
from tests.spec.texts import SPEC, edited

MIXTURE = "mixture: {sources: [share.facts, share.reading]}"


def told(folder: Path, text: str) -> dict[str, dict[str, Any]]:
    """Variant → what the job of the table is told of it."""
    path = folder / "spec.yaml"
    path.write_text(text)
    workflow = plan_study(load_study(path), folder / "results")
    return {v["name"]: v for v in workflow.summaries["table"]["settings"]["variants"]}


def scaling(section: str) -> str:
    return edited(("indicators:", f"scaling: {section}\nindicators:"))


def test_a_study_without_laws_has_the_columns_that_it_had(tmp_path: Path) -> None:
    for v in told(tmp_path, SPEC).values():
        assert v["config"].keys() == {"objective", "mixture"}
        assert v["shape"] is None


def test_laws_of_the_mixture_need_every_share_and_shares_add_up(tmp_path: Path) -> None:
    found = told(tmp_path, scaling(f"{{losses: [ppl_clm], {MIXTURE}}}"))
    shares = {key: value for key, value in found["sc-most"]["config"].items() if key.startswith("share.")}
    assert shares == {"share.facts": 0.8, "share.reading": 0.2, "share.stories": 0.0, "share.code": 0.0}


def test_without_a_law_of_the_mixture_there_are_no_shares(tmp_path: Path) -> None:
    for v in told(tmp_path, scaling("{losses: [ppl_clm]}")).values():
        assert v["config"].keys() == {"objective", "mixture"}
        assert v["shape"] == {"layers": 2, "width": 64, "length": 128}


def test_the_compute_of_the_table_is_that_of_the_plan(tmp_path: Path) -> None:
    v = told(tmp_path, edited(("1M}", "1_024_000}"), text=scaling("{losses: [ppl_clm]}")))["clm-even"]
    (planned, *_) = price(load_study(tmp_path / "spec.yaml"), 0.4, 1e12).variants
    folder = tmp_path / "results" / "store" / v["checkpoint"]
    folder.mkdir(parents=True)
    (folder / "receipt.json").write_text(pretty_json({"status": "ok", "metrics": {"parameters": planned.parameters}}))
    made = v | {"indicators": [], "outcomes": [], "points": []}
    numbers = {row["name"]: row["value"] for row in rows_of(made, tmp_path / "results" / "store") if "value" in row}
    assert numbers["params"] == planned.parameters
    assert numbers["tokens"] == planned.tokens == 1_024_000
    assert numbers["flops"] == pytest.approx(planned.flops, rel=1e-12)
