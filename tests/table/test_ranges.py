"""What a name says about its values."""

from __future__ import annotations

import pytest

from ptp_core.table.ranges import is_outside, range_of


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("quiz.f1", (0, 1)),
        ("kshot_cms.correct_prob_per_char@facts", (0, 1)),
        ("kshot_cms.margin_per_token", (-1, 1)),
        ("kshot.total_prob", None),
        ("kshot.log_prob", None),
        ("kshot.logprob", None),
        ("probe-7", None),
        ("ppl_sc(0.5,8).bits_per_byte@facts", None),
        ("my_f1", None),
        ("kshot_cms", None),
    ],
)
def test_only_clear_names_have_bounds(name: str, bounds: tuple[float, float] | None) -> None:
    assert range_of(name) == bounds


def test_rounding_is_forgiven_and_percent_is_not() -> None:
    assert not is_outside("quiz.acc", 1 + 1e-9)
    assert is_outside("quiz.acc", 62.5)
    assert is_outside("kshot.margin", -1.5)
