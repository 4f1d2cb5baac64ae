"""What the report says about how its numbers were made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ptp_core.engine.folders import Folders
from ptp_core.engine.summaries import make_selection, tokenizer_notes
from ptp_core.errors import UserError
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
    receipt.write_text(json.dumps({"units": units * 2}))
    select = {"primary": {"outcome": "quiz", "indicator": "mine"}, "bootstraps": 100, "permutations": 100, "splits": 2}
    with pytest.raises(UserError, match=r"indicator mine failed: mine\.py:3 ValueError: no$"):
        make_selection({"study": "tiny", "variants": [], "select": select}, folders)
    assert not (folders.home / "selection.json").exists()
