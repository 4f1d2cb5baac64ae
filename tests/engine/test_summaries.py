"""The jobs made of a study's table, and what the report says about how its numbers were made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ptp_core.engine.folders import Folders
from ptp_core.engine.make_dynamics import make_dynamics
from ptp_core.engine.make_report import overlap_notes, tokenizer_notes
from ptp_core.engine.make_scaling import make_scaling
from ptp_core.engine.summaries import direction_notes, make_selection
from ptp_core.errors import UserError
from ptp_core.report.scaling.page import render_scaling
from ptp_core.table.schema import from_rows, write_table


def test_perplexities_in_different_tokens_are_warned_about() -> None:
    ours, theirs = {"tokenizer": "tokenizer/1"}, {"tokenizer": "import_tokenizer/2"}
    (note,) = tokenizer_notes([ours, theirs], ["ppl_clm", "ppl_sc"])
    assert note.startswith("The variants have 2 different tokenizers, and ppl_clm and ppl_sc are per token")


def test_where_tokens_are_the_same_or_nothing_is_counted_in_them_there_is_no_warning() -> None:
    ours, theirs = {"tokenizer": "tokenizer/1"}, {"tokenizer": "import_tokenizer/2"}
    assert tokenizer_notes([ours, ours], ["ppl_clm"]) == []
    assert tokenizer_notes([ours, theirs], []) == []


def test_a_primary_indicator_that_failed_everywhere_is_said_to_have_failed(tmp_path: Path) -> None:
    folders = Folders(tmp_path, "tiny")
    row = {"kind": "outcome", "name": "quiz", "seed": 0, "value": 0.5, "higher_is_better": True, "source": "file:1"}
    write_table(from_rows([row | {"variant": name} for name in "abcd"]), folders.home)
    units = [{"status": "failed", "indicator": "mine", "reason": "mine.py:3 ValueError: no"}]
    receipt = folders.receipt("indicators", "1")
    receipt.parent.mkdir(parents=True)
    receipt.write_text(json.dumps({"id": "1", "units": units * 2}))
    select = {"primary": {"outcome": "quiz", "indicator": "mine"}, "bootstraps": 100, "permutations": 100, "splits": 2}
    with pytest.raises(UserError, match=r"indicator mine failed: mine\.py:3 ValueError: no$"):
        make_selection({"study": "tiny", "variants": [], "select": select, "tasks": {}, "stated": []}, folders)
    assert not (folders.home / "selection.json").exists()


def elsewhere(name: str, higher: bool = True) -> dict[str, Any]:
    row = {"variant": "a", "kind": "indicator", "name": name, "value": 1.0, "source": "t.csv:2", "digest": "0" * 64}
    return row | {"higher_is_better": higher}


def test_a_perplexity_that_is_read_as_higher_is_better_is_doubted_unless_somebody_says_so() -> None:
    table = from_rows([elsewhere("ppl_clm"), elsewhere("val_loss"), elsewhere("acc"), elsewhere("ppl", higher=False)])
    (note,) = direction_notes(table, [])
    assert note.startswith("ppl_clm and val_loss are read as higher is better")
    assert direction_notes(table, ["val_loss"])[0].startswith("ppl_clm is read")
    assert direction_notes(table, ["ppl_clm", "val_loss"]) == direction_notes(table, ["*"]) == []


def test_training_items_that_were_dropped_are_counted() -> None:
    unit = {"metrics": {"train_items": 13, "train_items_in_test": 27}}
    assert overlap_notes([{"stage": "task", "label": "quiz", "units": [unit]}]) == [
        "27 training items of quiz ask what its test items ask; they are tested and not trained on, which leaves 13."
    ]


def test_dynamics_of_a_table_without_base_scores_cost_no_report(tmp_path: Path) -> None:
    folders = Folders(tmp_path, "study")
    row = {"variant": "a", "kind": "outcome", "name": "quiz", "value": 0.5, "higher_is_better": True, "source": "here"}
    write_table(from_rows([row | {"checkpoint_tokens": 10}]), folders.home)
    make_dynamics({"study": "study", "dynamics": {}, "places": {}}, folders)
    found = json.loads((folders.home / "dynamics.json").read_text(encoding="utf-8"))
    assert found["verdict"]["headline"].startswith("Nothing is derived: ")


@pytest.mark.parametrize("trained", [True, False])
def test_laws_that_cannot_be_fitted_cost_no_report_where_models_were_trained(tmp_path: Path, trained: bool) -> None:
    folders = Folders(tmp_path, "study")
    row = {"kind": "indicator", "name": "loss", "value": 3.0, "higher_is_better": False, "source": "here"}
    size = {"kind": "config", "name": "params", "value": 1e6, "source": "here"}
    rows = [entry | {"variant": name, "checkpoint_tokens": 1e7} for name in "ab" for entry in (row, size)]
    write_table(from_rows(rows), folders.home)
    settings = {"study": "study", "scaling": {"losses": ["loss"]}, "places": {}, "tasks": {}, "trained": trained}
    if not trained:
        with pytest.raises(UserError):
            make_scaling(settings, folders)
        assert not (folders.home / "scaling.json").exists()
        return
    make_scaling(settings, folders)
    found = json.loads((folders.home / "scaling.json").read_text(encoding="utf-8"))
    assert found["verdict"]["headline"].startswith("No law is fitted: ")
    assert "No law is fitted: " in render_scaling(found)
