"""Names in ``select`` that no table has are told with their line, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptp_core.errors import UserError, UserErrors
from ptp_core.spec.load import load_study

SPEC = """\
study: s
measurements:
  - {path: t.csv, variant: v, config: [lr, recipe], indicators: [i], outcomes: [score]}
select:
  %s
"""


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("chance: {scor: 0.25}", "unknown outcome 'scor'; did you mean \"score\""),
        ("ceiling: {scor: 0.25}", "unknown outcome 'scor'; did you mean \"score\""),
        ("published: {theirs: {scores: 0.7}}", "unknown outcome 'scores'; did you mean \"score\""),
        ("nuisance: l_r", "unknown configuration column 'l_r'; did you mean \"lr\""),
        ("clusters: recipes", "unknown configuration column 'recipes'; did you mean \"recipe\""),
    ],
)
def test_a_name_that_no_table_has_is_told_with_its_line(tmp_path: Path, entry: str, message: str) -> None:
    (tmp_path / "t.csv").write_text("v,lr,recipe,i,score\n")
    spec = tmp_path / "s.yaml"
    spec.write_text(SPEC % entry)
    with pytest.raises((UserError, UserErrors)) as raised:
        load_study(spec)
    assert f"{spec}:5 " in str(raised.value)
    assert message in str(raised.value)


def test_names_that_the_table_has_are_no_fault(tmp_path: Path) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text(SPEC % "{chance: {score: 0.2}, published: {theirs: {score: 0.7}}, nuisance: lr, clusters: recipe}")
    assert load_study(spec).spec.select.nuisance == "lr"
