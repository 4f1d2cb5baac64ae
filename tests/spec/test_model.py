from __future__ import annotations

import pytest
from pydantic import ValidationError

from ptp_core.cost import parameters
from ptp_core.spec.model import Model, model_of_preset
from ptp_core.spec.presets import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_model(name: str) -> None:
    assert (
        Model.model_validate({"preset": name}).model_dump()
        == {"kv_heads": None, "tied_embeddings": True} | PRESETS[name]
    )


LADDER = [name for name in PRESETS if name[0].isdigit()]


@pytest.mark.parametrize("name", [name for name in LADDER if name != "1b"])
def test_a_preset_named_by_its_size_has_that_size(name: str) -> None:
    size = float(name[:-1]) * {"m": 1e6, "b": 1e9}[name[-1]]
    assert parameters(model_of_preset(name), 32_000) == pytest.approx(size, rel=0.05)


def test_the_ladder_has_twelve_sizes_from_43m_to_3b() -> None:
    assert (len(LADDER), LADDER[0], LADDER[-1]) == (12, "43m", "3b")
    sizes = [parameters(model_of_preset(name), 32_000) for name in LADDER]
    assert sizes == sorted(sizes)


def test_1b_is_tinyllama_with_its_published_number_of_parameters() -> None:
    assert parameters(model_of_preset("1b"), 32_000) == 1_100_048_384


def test_no_two_presets_are_one_model() -> None:
    assert len({model_of_preset(name) for name in PRESETS}) == len(PRESETS)


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
