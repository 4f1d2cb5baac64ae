"""The checks that span several sections of a study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ptp_core.errors import UserError
from ptp_core.spec.load import load_study
from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.model import model_of_preset
from tests.spec.texts import GRID_END, SPEC, after, edited

Load = Callable[[str], LoadedStudy]
Complaint = Callable[[str], str]

TABLE = """\
study: published
measurements:
  - {path: a.csv, variant: name, indicators: [ppl], outcomes: [sft]}
"""
SOURCES = "{sources: [{name: news, path: a.jsonl}, {name: code, path: b.jsonl}]}"


class TestWhatAStudyOffers:
    def test_the_world_brings_its_domains_and_tasks(self, load: Load) -> None:
        study = load(SPEC)
        assert study.domains == ("facts", "reading", "stories", "code")
        assert study.families == {"cms": "cms", "rag": "rag", "cbqa": "cbqa"}

    def test_sources_and_task_files_bring_theirs(self, load: Load) -> None:
        tasks = "tasks: {quiz: {family: rag, train: a, test: b}}"
        spec = edited(
            ("{world: {}}", SOURCES), ("{facts: 1, reading: 1}", "{news: 1}"), ("{facts: 4, reading: 1}", "{code: 1}"),
            ("tasks: [cms, cbqa]", "tasks: [quiz]"), ("kshot_cms", "kshot_quiz"), ("outcome: cms", "outcome: quiz"),
        )  # fmt: skip
        study = load(f"{spec}{tasks}\n")
        assert study.domains == ("news", "code")
        assert study.families == {"quiz": "rag"}

    def test_weights_are_shares_that_add_up_to_one(self, load: Load) -> None:
        assert load(SPEC).weights("most") == {"facts": 0.8, "reading": 0.2}

    def test_without_mixtures_all_domains_count_alike(self, load: Load) -> None:
        mixtures = "mixtures:\n  even: {facts: 1, reading: 1}\n  most: {facts: 4, reading: 1}\n"
        study = load(edited((mixtures, ""), ("    mixture: [even, most]", "    seed: [1, 2]")))
        assert study.weights("uniform") == dict.fromkeys(("facts", "reading", "stories", "code"), 0.25)

    def test_indicators_are_a_list_or_names_with_options(self, load: Load) -> None:
        study = load(edited(("[ppl_clm, kshot_cms]", "{ppl_clm: {tokens: 4k}, kshot_cms: {shots: 0}}")))
        assert (study.indicators["ppl_clm"].tokens, study.indicators["kshot_cms"].shots) == (4000, 0)

    def test_paths_are_relative_to_the_spec_and_may_hold_variables(
        self, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        study = load(SPEC)
        monkeypatch.setenv("TEXTS", "/texts")
        assert study.resolve("a.jsonl") == tmp_path / "a.jsonl"
        assert study.resolve("${TEXTS}/a.jsonl") == Path("/texts/a.jsonl")

    @pytest.mark.parametrize(
        ("path", "words"), [("${NOT_SET}/a", "variable NOT_SET is not set; got '${NOT_SET}/a'"), ("a\0b", "no file")]
    )
    def test_a_path_that_cannot_be_is_refused(self, load: Load, path: str, words: str) -> None:
        with pytest.raises(UserError) as caught:
            load(SPEC).resolve(path, "data")
        assert ":4 data: " in str(caught.value)
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        # mixtures
        ([("{facts: 1, ", "{fact: 1, ")], '6 mixtures.even.fact: unknown domain "fact"; did you mean "facts"?'),
        ([("{facts: 1, ", "{facts: -1, ")],
         "6 mixtures.even.facts: expected a number greater than or equal to 0, got -1"),
        ([("{facts: 1, ", "{facts: yes, ")],
         "6 mixtures.even.facts: a number is wanted here, not a truth value; got True"),
        ([("{facts: 1, ", "{facts: .inf, ")], "6 mixtures.even.facts: expected a finite number, got inf"),
        ([("{facts: 1, reading: 1}", "{facts: 0}")], "6 mixtures.even: the weights add up to nothing"),
        ([("{facts: 1, reading: 1}", "{}")], "6 mixtures.even: the weights add up to nothing"),
        ([("{facts: 4, reading: 1}", "{reading: 2, facts: 2, code: 0}")],
         '7 mixtures.most: this is the same mixture as "even"; remove one of them'),
        # tasks and indicators
        ([("[cms, cbqa]", "[cms, cbqq]")], '13 finetune.tasks[1]: unknown task "cbqq"; did you mean "cbqa"?'),
        ([("[cms, cbqa]", "[cms, cms]")], "13 finetune.tasks: 'cms' is listed twice"),
        ([("[cms, cbqa]", "[]")], "13 finetune.tasks: expected at least one entry, got []"),
        ([("seeds: [0, 1]", "seeds: [0, 0]")], "13 finetune.seeds: 0 is listed twice"),
        ([("seeds: [0, 1]", "seeds: [-1]")],
         "13 finetune.seeds[0]: expected a number greater than or equal to 0, got -1"),
        ([("seeds: [0, 1]", "seeds: [true]")], "13 finetune.seeds[0]: a number is wanted here, not a truth value"),
        ([("[ppl_clm, k", "[ppl_cml, k")], "14 indicators[0]: unknown indicator 'ppl_cml'; did you mean \"ppl_clm\"?"),
        ([("[ppl_clm, k", '["a\\nb", k')], "14 indicators[0]: unknown indicator 'a\\nb'; known: "),
        ([("[ppl_clm, kshot_cms]", "[kshot_cms, kshot_cms]")],
         '14 indicators[1]: indicator "kshot_cms" is listed twice'),
        ([("outcome: cms", "outcome: rag")], "15 select.primary.outcome: unknown outcome 'rag'; known: cbqa, cms"),
        ([("indicator: ppl_clm", "indicator: ppl_sc")], "15 select.primary.indicator: unknown indicator 'ppl_sc'"),
        # variants
        ([("[clm, sc]", "[clm]")], "8 pretrain: too few variants to compare; expected at least 4, got 2"),
        ([("tokens: 1M", "tokens: 1M, sequence_length: 256")],
         "9 pretrain.defaults.sequence_length: sequence_length 256 is longer than model.context 128"),
        ([("tokens: 1M", "tokens: 1M, batch_tokens: 1000")],
         "9 pretrain.defaults.batch_tokens: batch_tokens 1000 is not a multiple of sequence_length 128; write 1024"),
        ([("tokens: 1M", "tokens: 2k")], "9 pretrain.defaults.tokens: tokens 2000 are less than one batch of 2048"),
        ([("tokens: 1M", "tokens: 1M, checkpoints: [100k, 1M]")],
         "9 pretrain.defaults.checkpoints: a checkpoint after 1000000 tokens is not before the end of 1000000 tokens"),
        ([("tokens: 1M", "tokens: 1M, checkpoints: [4097, 5000]")],
         "9 pretrain.defaults.checkpoints: 4097 and 5000 tokens are reached by the same step of 2048 tokens"),
        ([("tokens: 1M", "tokens: 1M, checkpoints: [200k, 100k]")],
         "9 pretrain.defaults.checkpoints: list token counts in ascending order, each once"),
        ([("tokens: 1M", "tokens: 1M, anneal: true")],
         "9 pretrain.defaults.anneal: there are no checkpoints to anneal; list token counts under `checkpoints`"),
        ([("tokens: 1M", "tokens: 1M, length_quantile: [0.25, 0.75]")],
         "9 pretrain.defaults.length_quantile: this is in percent: write [25, 75]"),
        ([("tokens: 1M", "tokens: 1M, length_quantile: [75, 25]")],
         "9 pretrain.defaults.length_quantile: write [low, high] in percent with 0 ≤ low < high ≤ 100"),
        ([("study: small\n", "study: small\nexecution: {devices: 3}\n"),],
         "2 execution.devices: a batch of 16 rows cannot be shared by 3 processes; use as many"),
        ([("study: small\n", "study: small\nexecution: {compile: true, zero_stage: 3}\n"),],
         "2 execution: compile does not go with ZeRO stage 3"),
        ([("    mixture: [even, most]", "    seed: [1, 2]")],
         '8 pretrain: unknown mixture "uniform"; add `mixture` to pretrain.defaults; '),
        # sections
        ([("study: small", "study: Store")], "1 study: results/store holds the results of all studies"),
        ([("model: {preset: nano}\n", "")], "7 pretrain: pre-training variants needs a section `model` as well"),
        ([("{world: {}}", "{}")], "4 data: give exactly one of `world` and `sources`"),
        ([("{world: {}}", "{world: {}, sources: [{name: a, path: b}]}")], "4 data: give exactly one of"),
        ([("{world: {}}", "{sources: [{name: a, path: b}, {name: a, path: c}]}")],
         '4 data: two sources are called "a"'),
    ],
)  # fmt: skip
def test_a_fault_is_said_once_with_its_line(complaint: Complaint, edits: list[tuple[str, str]], message: str) -> None:
    found = complaint(edited(*edits))
    assert found.startswith(message)
    assert "\n" not in found


def test_a_task_of_the_world_cannot_be_replaced(complaint: Complaint) -> None:
    found = complaint(f"{SPEC}tasks: {{cms: {{family: cms, train: a, test: b}}}}\n")
    assert found == '16 tasks.cms: the embedded world already has a task "cms"; rename it'


def test_a_fault_of_an_included_variant_is_found_at_its_entry(complaint: Complaint) -> None:
    include = ["  include:", "    - {mixture: even, lr: 1}", "    - {mixture: even, batch_tokens: 100}"]
    assert complaint(after(GRID_END, *include)).startswith(
        "15 pretrain.include[1].batch_tokens: batch_tokens 100 is not"
    )


class TestVariantsOfSeveralSizes:
    LADDER = edited(("model: {preset: nano}\n", ""), ("objective: [clm, sc]", "model: [nano, micro]"))

    def test_each_trains_the_model_that_it_names(self, load: Load) -> None:
        study = load(self.LADDER)
        assert [v.name for v in study.variants] == ["nano-even", "nano-most", "micro-even", "micro-most"]
        assert [study.model_of(v.recipe) for v in study.variants] == [
            model_of_preset(name) for name in ("nano", "nano", "micro", "micro")
        ]

    def test_they_are_compared_in_the_context_of_the_smallest(self, load: Load) -> None:
        assert load(self.LADDER).context == 128

    def test_a_variant_that_names_none_trains_that_of_the_study(self, load: Load) -> None:
        study = load(after(GRID_END, "  include:", "    - {name: large, model: micro, mixture: even}"))
        assert study.model_of(study.variants[0].recipe) == study.spec.model
        assert study.model_of(study.variants[-1].recipe) == model_of_preset("micro")

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("[nano, micro]", "[nano, mikro]", '10 pretrain.grid.model[1]: no preset \'mikro\'; did you mean "micro"?'),
            ("[nano, micro]", "[nano, nano]", "10 pretrain.grid.model[1]: this value is listed twice; got 'nano'"),
            ("study: small\n", "study: small\nmodel: {preset: nano}\n",
             '11 pretrain.grid.model: preset "nano" is the section `model` itself; leave it out here, or remove the'),
            ("tokens: 1M", "tokens: 1M, sequence_length: 256",
             "8 pretrain.defaults.sequence_length: sequence_length 256 is longer than model.context 128"),
            (GRID_END, f"{GRID_END}\n  include: [{{mixture: even}}]",
             "7 pretrain: pre-training variants needs a section `model` as well; or let every variant name a preset"),
        ],
    )  # fmt: skip
    def test_a_mistake_is_said_once(self, complaint: Complaint, old: str, new: str, message: str) -> None:
        found = complaint(edited((old, new), text=self.LADDER))
        assert found.startswith(message)
        assert "\n" not in found


class TestStudiesThatOnlyReadTables:
    def test_they_need_nothing_else(self, load: Load) -> None:
        assert load(TABLE).variants == ()

    def test_a_study_of_nothing_is_a_mistake(self, complaint: Complaint) -> None:
        assert "nothing to compare; expected a section `pretrain`, `checkpoints` or `measurements`" in complaint(
            "study: empty\n"
        )

    def test_no_outcome_is_a_mistake(self, complaint: Complaint) -> None:
        found = complaint(edited(("[sft]", "[]"), text=TABLE))
        assert found == "2 measurements: no table has an outcome; map at least one column under `outcomes`"

    @pytest.mark.parametrize(("kind", "known"), [("outcome", "sft"), ("indicator", "ppl")])
    def test_the_primary_claim_must_be_a_column(self, complaint: Complaint, kind: str, known: str) -> None:
        claim = {"outcome": "sft", "indicator": "ppl"} | {kind: known + "x"}
        text = ", ".join(f"{key}: {value}" for key, value in claim.items())
        found = complaint(f"{TABLE}select: {{primary: {{{text}}}}}\n")
        assert found == f"4 select.primary.{kind}: unknown {kind} '{known}x'; did you mean \"{known}\"?"


@pytest.mark.parametrize("text", ["", "hello\n", "- a\n", "5\n", "null\n"])
def test_a_file_that_is_no_study_says_how_one_begins(tmp_path: Path, text: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match="this is not a study; expected keys and values, `study: <name>` first"):
        load_study(path)
