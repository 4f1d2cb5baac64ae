"""The arithmetic of costs, against models that are really built and numbers worked out by hand."""

from __future__ import annotations

import pytest

from ptp_core import cost
from ptp_core.spec.model import Model, model_of_preset


@pytest.mark.parametrize(
    "model",
    [
        model_of_preset("nano"),
        Model(width=64, layers=3, heads=4, kv_heads=2, ffn_width=96, context=32, tied_embeddings=False),
    ],
    ids=("tied", "grouped and untied"),
)
def test_parameters_are_those_of_the_model_that_is_trained(model: Model) -> None:
    from ptp_core.training.model import new_model

    built = new_model(model, 300, seed=0)
    assert cost.parameters(model, 300) == sum(p.numel() for p in built.parameters())


def test_flops_of_a_token_are_six_a_parameter_and_attention() -> None:
    assert cost.flops_per_token(1000, layers=2, width=8, length=16) == 6 * 1000 + 12 * 2 * 8 * 16


def test_an_hour_at_forty_percent_of_the_peak() -> None:
    assert cost.device_hours(0.4 * 989e12 * 3600, 0.4, 989e12) == pytest.approx(1)


def test_a_token_takes_two_bytes_as_long_as_its_id_fits() -> None:
    assert [cost.token_bytes(vocabulary) for vocabulary in (512, 2**16, 2**16 + 1)] == [2, 2, 4]


def test_a_known_device_has_its_published_peak() -> None:
    assert cost.peak_flops("NVIDIA H200") == 989e12
    assert cost.peak_flops("a slide rule") is None
