"""Variants of several sizes in the graph of a study."""

from __future__ import annotations

from pathlib import Path

from ptp_core.engine.graph import Graph, build
from ptp_core.spec.indicators import IndicatorSettings
from ptp_core.spec.load import load_study
from ptp_core.spec.pretrain import PretrainSettings
from tests.spec.texts import SPEC, edited

LADDER = edited(("model: {preset: nano}\n", ""), ("objective: [clm, sc]", "model: [nano, micro]"))


def graph(folder: Path, text: str) -> Graph:
    path = folder / "spec.yaml"
    path.write_text(text)
    return build(load_study(path), lambda file: file.name)


def test_a_model_counts_by_its_shape_wherever_it_is_named(tmp_path: Path) -> None:
    named = {v.variant.name: v.checkpoint.fingerprint for v in graph(tmp_path, LADDER).variants}
    section = {v.variant.name: v.checkpoint.fingerprint for v in graph(tmp_path, SPEC).variants}
    assert named["nano-even"] == section["clm-even"]
    assert named["nano-most"] == section["clm-most"]
    assert len({*named.values()}) == 4


def test_every_checkpoint_gets_its_own_model_and_all_perplexities_one_length(tmp_path: Path) -> None:
    for v in graph(tmp_path, LADDER).variants:
        trained, perplexity = v.checkpoint.settings, v.indicators["ppl_clm"].settings
        assert isinstance(trained, PretrainSettings)
        assert isinstance(perplexity, IndicatorSettings)
        assert perplexity.perplexity
        assert trained.model.width == {"nano": 64, "micro": 128}[v.variant.name.split("-")[0]]
        assert perplexity.perplexity.length == 128
