"""The studies of the papers: their specs against the published tables."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from ptp_core.cost import parameters
from ptp_core.engine.price import vocabulary_of
from ptp_core.objectives.mix import spans_needed
from ptp_core.spec.load import load_study
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.objective import normalise
from ptp_core.spec.pretrain import Recipe

SPECS = Path(__file__).parents[2] / "specs"

with (SPECS / "tables" / "zeng2025.csv").open(newline="") as stream:
    TABLE = list(csv.DictReader(stream))

MIXTURES = {
    "DC-0": {
        "commoncrawl": 0.522, "c4": 0.267, "github": 0.052, "books": 0.042, "arxiv": 0.046, "wikipedia": 0.038,
        "stackexchange": 0.033,
    },
    "DC-1": {"commoncrawl": 1.0},
    "DC-2": {"commoncrawl": 0.909, "github": 0.091},
    "DC-3": {"commoncrawl": 0.758, "github": 0.242},
    "DC-4": {"commoncrawl": 0.758, "wikipedia": 0.242},
    "DC-5": {"commoncrawl": 0.758, "github": 0.091, "books": 0.079, "wikipedia": 0.073},
}  # fmt: skip
"""Shares of the tokens (Zeng et al. 2025); those of DC-5 add up to 1.001 as published."""


@pytest.fixture(scope="module")
def zeng() -> LoadedStudy:
    return load_study(SPECS / "zeng2025.yaml")


@pytest.fixture(scope="module")
def ladder() -> LoadedStudy:
    return load_study(SPECS / "flp-ladder.yaml")


@pytest.fixture(scope="module")
def mixtures() -> LoadedStudy:
    return load_study(SPECS / "flp-m.yaml")


@pytest.fixture(scope="module")
def world() -> LoadedStudy:
    return load_study(SPECS / "ladder.yaml")


class TestZeng2025:
    def test_has_fifty_variants_of_one_billion_parameters_and_100b_tokens(self, zeng: LoadedStudy) -> None:
        assert len(zeng.variants) == len(TABLE) == 50
        assert {v.recipe.tokens for v in zeng.variants} == {100_000_000_000}
        assert {round(parameters(zeng.model_of(v.recipe), 32_000), -8) for v in zeng.variants} == {1_100_000_000}

    @pytest.mark.parametrize("row", TABLE, ids=lambda row: row["model_id"])
    def test_variant_is_the_row_of_the_published_table(self, zeng: LoadedStudy, row: Mapping[str, str]) -> None:
        variant = zeng.variants[int(row["model_id"]) - 1]
        recipe = variant.recipe
        quantile = None if row["length"] == "all" else tuple(float(x) for x in row["length"].split("-"))
        assert recipe.objective == normalise(row["objective"])
        assert recipe.mixture == row["domain"].lower().replace("-", "")
        assert recipe.lr == float(row["lr"])
        assert bool(recipe.tags) == (row["tag"] == "1")
        assert recipe.length_quantile == quantile
        assert variant.name.startswith(f"{row['objective'].lower()}-{recipe.mixture}-{row['lr']}")

    @pytest.mark.parametrize("name", MIXTURES)
    def test_mixture_has_the_published_shares(self, zeng: LoadedStudy, name: str) -> None:
        found = zeng.weights(name.lower().replace("-", ""))
        assert found == pytest.approx(MIXTURES[name], abs=1e-3)
        assert sum(found.values()) == pytest.approx(1)

    def test_no_source_is_seen_more_than_once_by_a_variant_that_sees_all_of_it(self, zeng: LoadedStudy) -> None:
        assert zeng.spec.data is not None
        held = {s.name: (s.max_tokens or 0) * (1 - zeng.spec.data.held_out_share) for s in zeng.spec.data.sources}
        passes = {
            (v.name, domain): share * v.recipe.tokens / held[domain]
            for v in zeng.variants
            for domain, share in zeng.weights(v.recipe.mixture).items()
        }
        # All of Wikipedia is less than a quarter of 100B tokens.
        assert max(passes.values()) < 1.01
        assert {name for name, share in passes.items() if share > 1} <= {
            (v.name, "wikipedia") for v in zeng.variants if v.recipe.mixture == "dc4"
        }

    def test_its_tokenizer_has_a_sentinel_for_every_span(self, zeng: LoadedStudy) -> None:
        assert zeng.spec.data is not None
        needed = max(spans_needed(v.recipe.objective, v.recipe.sequence_length) for v in zeng.variants)
        assert needed == zeng.spec.data.tokenizer.sentinels == 256

    def test_sources_are_one_pinned_data_set_told_apart_by_a_field(self, zeng: LoadedStudy) -> None:
        assert zeng.spec.data is not None
        sources = zeng.spec.data.sources
        assert {(s.hub, s.revision) for s in sources} == {
            ("cerebras/SlimPajama-627B", "2d0accdd58c5d5511943ca1f5ff0e3eb5e293543")
        }
        assert len({s.only["meta.redpajama_set_name"] for s in sources}) == 7

    def test_families_have_the_published_tasks(self, zeng: LoadedStudy) -> None:
        count = [list(zeng.families.values()).count(family) for family in ("cms", "rag", "cbqa")]
        assert count == [5, 4, 2]
        assert zeng.spec.finetune is not None
        assert set(zeng.spec.finetune.tasks) == set(zeng.families)
        assert set(zeng.indicators) == {"ppl_clm", "ppl_sc", *(f"kshot_{task}" for task in zeng.families)}


class TestTheLadder:
    def test_has_twelve_sizes_trained_on_twenty_tokens_a_parameter(self, ladder: LoadedStudy) -> None:
        sizes = [parameters(ladder.model_of(v.recipe), 32_000) for v in ladder.variants]
        assert len(sizes) == 12
        assert sizes == sorted(sizes)
        assert sizes[0] == pytest.approx(43e6, rel=0.05)
        assert sizes[-1] == pytest.approx(3e9, rel=0.05)
        ratios = [v.recipe.tokens / size for v, size in zip(ladder.variants, sizes, strict=True)]
        assert ratios == pytest.approx([20] * 12, rel=0.05)

    def test_keeps_three_checkpoints_on_the_way(self, ladder: LoadedStudy) -> None:
        for recipe in (v.recipe for v in ladder.variants):
            assert [count / recipe.tokens for count in recipe.checkpoints] == [0.25, 0.5, 0.75]

    def test_trains_every_size_on_one_mixture(self, ladder: LoadedStudy) -> None:
        assert {v.recipe.mixture for v in ladder.variants} == {"slimpajama"}
        assert ladder.weights("slimpajama") == pytest.approx(MIXTURES["DC-0"])


class TestMixturesOfCode:
    def test_every_size_sees_every_ratio(self, mixtures: LoadedStudy) -> None:
        def ratio(recipe: Recipe) -> float:
            return mixtures.weights(recipe.mixture).get("code", 0.0)

        sizes = dict.fromkeys(v.recipe.model for v in mixtures.variants)
        assert len(sizes) == 4
        for size in sizes:
            found = [ratio(v.recipe) for v in mixtures.variants if v.recipe.model == size]
            assert found == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])

    def test_a_size_differs_in_nothing_else(self, mixtures: LoadedStudy) -> None:
        rest = {v.recipe.model_copy(update={"mixture": "any"}).model_dump_json() for v in mixtures.variants}
        assert len(rest) == 4


class TestTheLadderOfTheEmbeddedWorld:
    def test_is_named_by_the_size_of_its_models(self, world: LoadedStudy) -> None:
        assert world.spec.data
        vocabulary = vocabulary_of(world.spec.data)
        sizes = {v.name.split("-")[0]: parameters(world.model_of(v.recipe), vocabulary) for v in world.variants}
        assert {name: f"{size / 1000:.0f}k" for name, size in sizes.items()} == {name: name for name in sizes}
        assert len(sizes) == 5
        assert world.spec.scaling
        assert world.spec.scaling.hold_out == (max(sizes, key=lambda name: sizes[name]),)

    def test_tells_size_from_tokens(self, world: LoadedStudy) -> None:
        assert world.spec.data
        vocabulary = vocabulary_of(world.spec.data)
        ratios = {v.name: v.recipe.tokens / parameters(world.model_of(v.recipe), vocabulary) for v in world.variants}
        assert all(19.9 < ratio < 21 for name, ratio in ratios.items() if not name.endswith("-long"))
        assert sum(ratio > 39 for ratio in ratios.values()) == 3

    def test_keeps_three_checkpoints_on_the_way(self, world: LoadedStudy) -> None:
        for recipe in (v.recipe for v in world.variants):
            shares = [count / recipe.tokens for count in recipe.checkpoints]
            assert shares == pytest.approx([0.25, 0.5, 0.75], abs=0.002)


@pytest.mark.parametrize("name", ["zeng2025", "flp-ladder"])
def test_no_source_of_a_study_is_too_short(name: str) -> None:
    study = load_study(SPECS / f"{name}.yaml")
    assert study.spec.data is not None
    for source in study.spec.data.sources:
        shares = [study.weights(v.recipe.mixture).get(source.name, 0) * v.recipe.tokens for v in study.variants]
        assert source.max_tokens is not None
        assert source.max_tokens >= 0.99 * max(shares)
