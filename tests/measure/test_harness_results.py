"""What the harness reports is taken over with the direction that it, or the metric's name, says."""

from __future__ import annotations

import pytest

from ptp_core.measure.harness_results import reported


@pytest.mark.parametrize(
    ("metric", "higher"), [("wer", False), ("loss", False), ("pct_stereotype", False), ("f1", True)]
)
def test_an_open_direction_is_that_of_the_name(metric: str, higher: bool) -> None:
    results = {
        "results": {"t": {f"{metric},none": 0.5, f"{metric}_stderr,none": "N/A"}},
        "n-samples": {"t": {"effective": 4}},
        "higher_is_better": {"t": {metric: None}},
    }
    quantities, _ = reported(results, "t", ["t"])
    assert quantities[metric].higher_is_better is higher
