from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ptp_core.spec.quantities import Count, format_count, parse_count, shortest

COUNT = TypeAdapter(Count)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1.2M", 1_200_000),
        ("1.2m", 1_200_000),
        ("100B", 100_000_000_000),
        ("0.5k", 500),
        ("1T", 10**12),
        ("1_000_000", 1_000_000),
        ("1e9", 10**9),
        ("1.5e3", 1500),
        ("1e3k", 10**6),
        ("+5", 5),
        (" 7 ", 7),
        ("2.4 M", 2_400_000),
        ("1e18", 10**18),
        ("999999999999999999", 999_999_999_999_999_999),
        (12, 12),
        (1e6, 10**6),
    ],
)
def test_a_count_is_read_exactly(written: object, meant: int) -> None:
    assert COUNT.validate_python(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "3e-3", "1.5", 1.5, "0.0001k", "1e-999999999",
        "", "M", "fast", "1.2.3", "1,000", "1 000", "1__0", "_1", "1_", ".5M", "1MM", "0x10", "٣", "1e", "one",
        0, -3, "-1M", "0", "0e5",
        True, False, None, [], {}, float("inf"), float("nan"), "inf", "nan",
        "1e19", "1e999999999", "-1e999999999", "1e99999999999999999999999", 10**30, 1e300, "9" * 10_000,
        # More digits than are worked with: refused rather than rounded to 10**18.
        "999999999999999999.9999999999999999999999999999999999999999999999999999",
    ],
)  # fmt: skip
def test_what_is_no_positive_whole_number_is_refused(written: object) -> None:
    with pytest.raises(ValidationError):
        COUNT.validate_python(written)


@given(st.integers(1, 10**18))
def test_a_count_survives_being_written_and_read(count: int) -> None:
    assert parse_count(format_count(count)) == count


@pytest.mark.parametrize(
    ("count", "text"), [(2_400_000, "2.4M"), (1000, "1k"), (1_234_567, "1234567"), (999, "999"), (10**9, "1B")]
)
def test_a_count_is_shown_in_its_shortest_exact_spelling(count: int, text: str) -> None:
    assert format_count(count) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_shortest_spelling_reads_back_as_the_same_number(value: float) -> None:
    assert float(shortest(value)) == value


def test_whole_and_round_numbers_are_spelled_without_a_fraction() -> None:
    assert [shortest(x) for x in (3.0, 0.003, 1e-5, 0.00123456789)] == ["3", "0.003", "1e-05", "0.00123456789"]
