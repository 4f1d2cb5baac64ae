from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ptp_core.errors import UserError
from ptp_core.identity.receipts import artifacts, read_receipt


def test_artifacts_are_all_files_but_the_receipt_with_digest_and_size(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "weights").write_bytes(b"w")
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "receipt.json").write_text("{}")
    assert artifacts(tmp_path) == {
        "a.csv": {"sha256": hashlib.sha256(b"").hexdigest(), "bytes": 0},
        "deep/weights": {"sha256": hashlib.sha256(b"w").hexdigest(), "bytes": 1},
    }


def test_a_receipt_is_read(tmp_path: Path) -> None:
    (tmp_path / "receipt.json").write_text('{"metrics": {"value": 1.5}}')
    assert read_receipt(tmp_path)["metrics"]["value"] == 1.5


def test_a_result_that_is_gone_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"this result is gone from the store; run snakemake again"):
        read_receipt(tmp_path / "gone")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff"])
def test_a_damaged_receipt_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "receipt.json").write_bytes(content)
    with pytest.raises(UserError, match=r"receipt\.json: this receipt is not JSON any more"):
        read_receipt(tmp_path)
