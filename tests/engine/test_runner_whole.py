"""A partial folder that has its receipt is published only if the receipt is of what lies there."""

from __future__ import annotations

import json
from pathlib import Path

from ptp_core.engine.runner import _is_whole
from ptp_core.engine.stages import STAGES
from ptp_core.identity.receipts import artifacts

STAGE = STAGES["pretrain"]


def test_a_partial_with_its_receipt_is_whole_until_a_file_of_it_changes(tmp_path: Path) -> None:
    assert not _is_whole(tmp_path, STAGE)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "state.ckpt").write_bytes(b"no artifact")
    (tmp_path / "receipt.json").write_text(json.dumps({"artifacts": artifacts(tmp_path, without=STAGE.state)}))
    assert _is_whole(tmp_path, STAGE)
    # Written by one process while another has gone on in the same folder.
    (tmp_path / "model.safetensors").write_bytes(b"Weights")
    assert not _is_whole(tmp_path, STAGE)
    (tmp_path / "receipt.json").write_text("{")
    assert not _is_whole(tmp_path, STAGE)
