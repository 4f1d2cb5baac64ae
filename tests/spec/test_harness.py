"""Settings of a harness task: what may be asked for together."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ptp_core.spec.harness import HarnessSettings


def test_by_default_examples_are_never_scored_items() -> None:
    assert HarnessSettings(task="piqa").items == "disjoint"


@pytest.mark.parametrize("part", ["indicator", "outcome"])
def test_shared_items_have_no_parts(part: str) -> None:
    with pytest.raises(ValidationError, match="shared by indicator and outcome"):
        HarnessSettings.model_validate({"task": "piqa", "items": "shared", "part": part})


@pytest.mark.parametrize("wrong", [{"shots": -1}, {"max_items": 0}, {"shots": True}, {"tasks": "piqa"}])
def test_nonsense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HarnessSettings.model_validate({"task": "piqa"} | wrong)
