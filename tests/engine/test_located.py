"""Mistakes that only the data shows are told with the line of the spec."""

from __future__ import annotations

import pytest

from ptp_core.engine.located import told_with_its_line
from ptp_core.errors import UserError, Where

PLACES = {"scaling": ["s.yaml", 7], "scaling.losses": ["s.yaml", 9]}


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("scaling.losses", "s.yaml:9 scaling.losses: no"),
        ("scaling.targets", "s.yaml:7 scaling.targets: no"),
        ("run a", "run a: no"),
        (None, "no"),
    ],
)
def test_the_line_is_that_of_the_key_or_of_the_section_around_it(subject: str | None, shown: str) -> None:
    with pytest.raises(UserError) as caught, told_with_its_line(PLACES):
        raise UserError("no", subject=subject)
    assert str(caught.value) == shown


def test_an_error_with_a_place_of_its_own_keeps_it() -> None:
    with pytest.raises(UserError, match=r"^t\.csv:3 scaling: no$"), told_with_its_line(PLACES):
        raise UserError("no", subject="scaling", where=Where("t.csv", 3))
