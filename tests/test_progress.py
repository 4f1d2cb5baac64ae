"""Progress: lines in a log, few of them, with the right rate."""

from __future__ import annotations

import re
import time

import pytest

from ptp_core import progress
from ptp_core.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still until a test moves it."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_log_gets_a_line_every_few_seconds_and_one_at_the_end(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(100, "tok", "pretrain clm") as bar:
        for _ in range(100):
            clock[0] += 0.2
            bar.advance(1, "loss 1.5")
    written = lines(capsys)
    assert len(written) == 20 / progress.LOG_SECONDS + 1
    assert written[-1].startswith("pretrain clm: 100% 100/100 [00:20<00:00, 5.00tok/s, loss 1.5]")


def test_the_rate_of_a_resumed_run_counts_only_what_it_did_itself(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(2000, "tok", "x", done=1000) as bar:
        clock[0] += 10
        bar.advance(500)
        assert "75% 1.50k/2.00k [00:10<00:10, 50.0tok/s" in lines(capsys)[0]


def test_nothing_is_written_while_little_time_passes(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progress(10, "step", "x")
    clock[0] += progress.LOG_SECONDS - 0.01
    bar.advance(1)
    assert lines(capsys) == []


def test_a_failure_ends_the_lines_without_one_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), Progress(10, "step", "x"):
        raise RuntimeError
    assert lines(capsys) == []


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with Progress(10, "step", "finetune") as bar:
        bar.advance(10, "loss 2")
    assert re.search(r"finetune: 100%\|.*10\.0/10\.0.*loss 2", capsys.readouterr().err)
