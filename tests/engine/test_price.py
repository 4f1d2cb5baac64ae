"""What a study costs, worked out by hand for a small one."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ptp_core.data import build_tokenizer
from ptp_core.engine.price import Price, SourcePrice, exports, price, vocabulary_of
from ptp_core.engine.price_text import price_lines
from ptp_core.errors import UserError
from ptp_core.spec.checkpoints import Checkpoint
from ptp_core.spec.data import Data, Source, Tokenizer
from ptp_core.spec.finetune import Finetune
from ptp_core.spec.load import load_study
from ptp_core.spec.pretrain import Recipe
from ptp_core.spec.world import World
from ptp_core.training.layout import Layout
from tests.tiny import SENTINELS, Tiny, make

SPEC = """\
study: small
model: {width: 8, layers: 2, heads: 2, ffn_width: 16, context: 32}
data:
  sources:
    - {name: a, hub: owner/text, revision: v1, max_tokens: 1M}
    - {name: b, path: b.jsonl}
  tokenizer: {vocabulary: 600}
tasks:
  quiz: {family: cbqa, train: train.jsonl, test: test.jsonl, max_test: 10}
pretrain:
  defaults: {tokens: 6500, batch_tokens: 64, sequence_length: 16}
  grid: {lr: [1e-4, 2e-4, 3e-4]}
  include:
    - {name: kept, checkpoints: [640, 700]}
    - {name: annealed, checkpoints: [640, 1280], anneal: true, lr: 1e-4}
finetune: {tasks: [quiz], seeds: [0, 1], steps: 5, batch_items: 4}
indicators: {ppl_clm: {tokens: 100}, kshot_quiz: {max_items: 7}}
execution: {devices: 2, micro_batch_tokens: 16}
"""
PARAMETERS = 600 * 8 + 2 * (4 * 8 * 8 + 3 * 8 * 16 + 2 * 8) + 8
PER_TOKEN = 6 * PARAMETERS + 12 * 2 * 8 * 16
"""FLOPs, in a sequence of 16."""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return path


def priced(spec: Path, *edits: tuple[str, str]) -> Price:
    text = spec.read_text()
    for old, new in edits:
        assert text.count(old) == 1
        text = text.replace(old, new)
    spec.write_text(text)
    return price(load_study(spec), utilisation=0.5, peak=1e9)


class TestAVariant:
    def test_is_trained_for_whole_batches_at_the_stated_rate(self, spec: Path) -> None:
        first = priced(spec).variants[0]
        assert first.parameters == PARAMETERS == 6120
        assert first.tokens == 101 * 64
        assert first.flops == 101 * 64 * PER_TOKEN
        assert first.device_hours == pytest.approx(first.flops / 0.5e9 / 3600)

    def test_has_the_layout_of_its_execution(self, spec: Path) -> None:
        assert priced(spec).variants[0].layout == Layout(processes=2, accumulation=2, rows=1)

    def test_keeps_its_last_model_and_saves_states_while_it_trains(self, spec: Path) -> None:
        first = priced(spec).variants[0]
        assert (first.checkpoints, first.checkpoint_bytes) == (1, 4 * PARAMETERS)
        assert first.state_bytes == 3 * 12 * PARAMETERS

    def test_has_a_tuned_model_for_each_task_and_seed(self, spec: Path) -> None:
        first = priced(spec).variants[0]
        assert (first.tuned_models, first.tuned_bytes) == (2, 2 * 4 * PARAMETERS)

    def test_keeps_each_declared_step_before_the_last_once(self, spec: Path) -> None:
        kept = priced(spec).variants[3]
        assert (kept.checkpoints, kept.checkpoint_bytes) == (3, 3 * 4 * PARAMETERS)

    def test_pays_for_the_branches_that_anneal(self, spec: Path) -> None:
        annealed = priced(spec).variants[4]
        assert annealed.tokens == (101 + 1 + 2) * 64
        assert (annealed.checkpoints, annealed.checkpoint_bytes) == (5, (5 * 4 + 2 * 8) * PARAMETERS)

    def test_whose_batch_cannot_be_shared_is_refused(self, spec: Path) -> None:
        with pytest.raises(UserError, match="a batch of 4 rows cannot be shared by 3 processes"):
            priced(spec, ("devices: 2", "devices: 3"))


def test_the_steps_that_are_kept_are_those_of_the_training() -> None:
    recipe = Recipe(tokens=1000, batch_tokens=100, sequence_length=10, checkpoints=(100, 101, 900))
    assert exports(recipe) == [1, 2, 9]


def test_variants_of_several_sizes_are_priced_by_their_own(spec: Path) -> None:
    found = priced(spec, ("lr: [1e-4, 2e-4, 3e-4]", "model: [nano, micro, mini]"))
    assert [v.name for v in found.variants[:3]] == ["nano", "micro", "mini"]
    assert len({v.parameters for v in found.variants}) == 4


def test_the_tokens_of_a_source_are_known_if_it_is_capped(spec: Path) -> None:
    assert priced(spec).sources == (SourcePrice("a", 1_000_000, 2_000_000), SourcePrice("b", None, None))


def test_a_large_vocabulary_takes_four_bytes_a_token(spec: Path) -> None:
    assert priced(spec, ("vocabulary: 600", "vocabulary: 100k")).sources[0].bytes == 4_000_000


def test_files_that_are_not_here_are_named_with_their_lines(spec: Path) -> None:
    (spec.parent / "train.jsonl").touch()
    assert [re.sub(r".*spec.yaml:", "", text).split(": no such file")[0] for text in priced(spec).missing] == [
        "6 data.sources[1].path", "9 tasks.quiz.test",
    ]  # fmt: skip


def test_a_variable_that_is_not_set_is_named(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_PLACE", raising=False)
    missing = priced(spec, ("b.jsonl", '"${NO_SUCH_PLACE}/b.jsonl"')).missing
    assert "the environment variable NO_SUCH_PLACE is not set" in missing[0]


class TestFineTuningAndMeasuring:
    FULL = 5 * 32 * (6 * PARAMETERS + 12 * 2 * 8 * 32)
    """FLOPs of training each of the five variants on one row that fills the context."""

    def test_every_item_is_taken_to_fill_the_context(self, spec: Path) -> None:
        found = priced(spec)
        assert found.tuning.flops == 2 * 5 * 4 * self.FULL
        # 100 held-out tokens are four windows of 32 in each of two sources; then few-shot items, and test items a seed.
        # Two of the five variants keep two checkpoints on the way, which have indicators as well.
        assert found.measuring.flops == pytest.approx(((2 * 4 + 7) * 9 / 5 + 2 * 10) * self.FULL / 3)
        assert found.tuning.left_out == found.measuring.left_out == ()

    def test_what_the_spec_does_not_tell_is_left_out_and_named(self, spec: Path) -> None:
        found = priced(spec, (", max_test: 10", ""))
        assert found.measuring.left_out == ("quiz",)
        assert found.measuring.flops == pytest.approx((2 * 4 + 7) * 9 / 5 * self.FULL / 3)


class TestTheVocabulary:
    def test_of_the_world_is_that_of_its_tokenizer(self, tmp_path: Path) -> None:
        data = Data(world=World(), tokenizer=Tokenizer(sentinels=5))
        settings = {"world": World().model_dump(), "tokenizer": {"sentinels": 5}}
        assert make(build_tokenizer.run, tmp_path / "made", settings) == {"vocabulary": vocabulary_of(data)}

    def test_of_a_trained_one_holds_its_special_tokens(self, tiny: Tiny) -> None:
        from ptp_core.data.tokenizer import load

        data = Data(sources=(Source(name="a", path="a"),), tokenizer=Tokenizer(vocabulary=512, sentinels=SENTINELS))
        assert load(tiny.tokenizer).get_vocab_size() == vocabulary_of(data) == 512

    def test_of_one_that_exists_grows_by_sentinels_and_modes(self) -> None:
        wanted = Tokenizer(path="folder", vocabulary=32_000, sentinels=256)
        assert vocabulary_of(Data(sources=(Source(name="a", path="a"),), tokenizer=wanted)) == 32_259


def test_a_study_that_trains_nothing_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "table.yaml"
    path.write_text("study: t\nmeasurements: [{path: a.csv, variant: v, indicators: [x], outcomes: [y]}]\n")
    found = price(load_study(path), 0.4, 989e12)
    assert (found.variants, found.flops, found.vocabulary, found.sources) == ((), 0, None, ())
    assert found.missing[0].endswith(
        "measurements[0].path: no such file; got '" + f"{tmp_path / 'a.csv'}'; check the path or the glob"
    )


class TestWhatOtherSectionsMayAsk:
    def changed(self, spec: Path, finetune: Finetune) -> Price:
        study = load_study(spec)
        return price(replace(study, spec=study.spec.model_copy(update={"finetune": finetune})), 0.5, 1e9)

    def test_epochs_are_passes_over_the_items_that_are_used(self, spec: Path) -> None:
        found = self.changed(spec, Finetune(tasks=("quiz",), seeds=(0,), epochs=3, items=20))
        assert found.tuning.flops == 3 * 20 * TestFineTuningAndMeasuring.FULL

    def test_epochs_over_items_that_only_a_file_can_count_are_left_out(self, spec: Path) -> None:
        found = self.changed(spec, Finetune(tasks=("quiz",), seeds=(0,), epochs=3))
        assert (found.tuning.flops, found.tuning.left_out) == (0, ("quiz",))

    def test_models_that_exist_are_counted_but_not_priced(self, spec: Path) -> None:
        study = load_study(spec)
        entries = tuple(Checkpoint(name=name, path=name) for name in ("a", "b"))
        found = price(replace(study, spec=study.spec.model_copy(update={"checkpoints": entries})), 0.5, 1e9)
        assert found.flops == priced(spec).flops
        assert "2 existing checkpoints are not priced" in "\n".join(price_lines(found))

    def test_a_study_of_existing_models_alone_is_no_mistake(self, spec: Path) -> None:
        study = load_study(spec)
        bare = study.spec.model_copy(update={"pretrain": None, "model": None})
        found = price(replace(study, spec=bare, variants=()), 0.5, 1e9)
        assert (found.flops, found.tuning.flops, found.measuring.flops, found.sources) == (0, 0, 0, ())
