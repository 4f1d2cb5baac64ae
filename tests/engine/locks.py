"""What the tests of locks share: fixed code and packages, and results that look as if they had been made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ptp_core.cli import main
from ptp_core.engine.lock.entries import named_units
from ptp_core.engine.stages import Stage
from ptp_core.engine.workflow import Workflow, plan
from ptp_core.identity.canonical import digest
from ptp_core.identity.store import entry

HOST = {"name": "h"}


def fix_code(monkeypatch: pytest.MonkeyPatch, code: str = "") -> None:
    """Code and packages that no edit of this project changes."""
    monkeypatch.setattr(Stage, "code", property(lambda self: digest([self.name, code])))
    monkeypatch.setattr(Stage, "versions", property(lambda self: dict.fromkeys(self.packages, "1.0")))


def ptp(command: str, *arguments: Path | str, results: Path) -> int:
    return main([command, *map(str, arguments), "--results", str(results)])


def finish(workflow: Workflow, sha256: str = "a" * 64, loss: float = 1.5) -> None:
    """Put a result of every unit into the store, and a selection beside it."""
    for unit in named_units(workflow).values():
        metrics: dict[str, Any] = {"loss": loss, "steps": 7, "tokens_per_second": 1, "epochs": {"news": 1.0}}
        if unit.stage in ("indicators", "evaluate"):
            metrics = {"headline": "acc", "quantities": {"acc": {"value": loss / 3}, "f1": {"value": 0.1}}}
        files = {"model.safetensors": sha256, "telemetry.parquet": digest(loss), "lm_eval/results.json": digest(loss)}
        receipt = {
            "fingerprint": unit.fingerprint,
            "status": "ok",
            "metrics": metrics,
            "artifacts": {name: {"sha256": value, "bytes": 1} for name, value in files.items()},
        }
        folder = entry(workflow.folders.store, unit.stage, unit.fingerprint)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "receipt.json").write_text(json.dumps(receipt))
    _select(workflow, loss)


def _select(workflow: Workflow, loss: float) -> None:
    receipt = workflow.folders.receipt("select", workflow.summaries["select"]["id"])
    receipt.parent.mkdir(parents=True, exist_ok=True)
    receipt.write_text("{}")
    judged = {"ppl_clm": {"accuracy": loss / 2}, "odd": {"accuracy": None}}
    block = {"best": {"variant": "clm-even", "value": loss / 3}, "indicators": judged}
    claims = {"outcomes": ["quiz"], "indicators": ["odd", "ppl_clm"]}
    content = {"confirmatory": claims, "outcomes": {"quiz": block, "quiz.f1": block}}
    (workflow.folders.home / "selection.json").write_text(json.dumps(content))


def planned_here(folder: Path) -> Workflow:
    return plan(folder / "study.yaml", folder / "results")
