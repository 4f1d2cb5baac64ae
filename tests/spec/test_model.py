from __future__ import annotations

import pytest
from pydantic import ValidationError

from ptp_core.spec.model import PRESETS, Model


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_model(name: str) -> None:
    assert (
        Model.model_validate({"preset": name}).model_dump()
        == {"kv_heads": None, "tied_embeddings": True} | PRESETS[name]
    )


def test_what_is_written_goes_before_the_preset() -> None:
    assert Model.model_validate({"preset": "nano", "layers": 3}).layers == 3


def test_a_preset_and_its_shape_written_out_are_the_same_model() -> None:
    assert Model.model_validate({"preset": "nano"}) == Model.model_validate(PRESETS["nano"])


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"preset": "nan"}, 'did you mean "nano"'),
        ({"preset": ["nano"]}, "no preset"),
        ({"preset": "nano", "heads": 5}, "width 64 must be an even multiple of heads 5"),
        ({"preset": "nano", "heads": 64}, "even multiple"),
        ({"preset": "nano", "kv_heads": 3}, "heads 4 must be a multiple of kv_heads 3"),
        ({"preset": "nano", "width": True}, "not a truth value"),
        ({"preset": "nano", "widht": 3}, "Extra inputs"),
        ({"width": 64}, "Field required"),
    ],
)
def test_an_impossible_model_is_refused(written: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Model.model_validate(written)
