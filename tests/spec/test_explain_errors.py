"""From pydantic's words to ours."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from ptp_core.spec.explain_errors import dotted, line_of
from tests.spec.texts import SPEC, edited

Complaint = Callable[[str], str]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("finetune: {", "fintune: {"), '13 fintune: unknown key; did you mean "finetune"?'),
        (("finetune: {", "zzz: {"), "13 zzz: unknown key; known: checkpoints, data, dynamics, "),
        (("{preset: nano}", "{preset: nano, widht: 8}"), '3 model.widht: unknown key; did you mean "width"?'),
        (("{preset: nano}", "{preset: nano, presset: 8}"), '3 model.presset: unknown key; did you mean "preset"?'),
        (("{preset: nano}", "{preset: nan}"), "3 model: no preset 'nan'; did you mean \"nano\"?"),
        (("{preset: nano}", "nano"), "3 model: expected keys and values, got 'nano'"),
        (("{world: {}}", "{world: {peple: 12}}"), '4 data.world.peple: unknown key; did you mean "people"?'),
        (("{world: {}}", "{world: {people: 5}}"),
         "4 data.world.people: expected a number greater than or equal to 12, got 5"),
        (("{world: {}}", "{world: {people: many}}"), "4 data.world.people: expected a whole number, got 'many'"),
        (("{world: {}}", "{world: {people: 12.5}}"), "4 data.world.people: expected a whole number, got 12.5"),
        (("{world: {}}", "{world: {people: on}}"), "4 data.world.people: a number is wanted here, not a truth value"),
        (("{world: {}}", "{world: {people: [12]}}"), "4 data.world.people: expected a whole number, got [12]"),
        (("seed: 7", "seed: -1"), "2 seed: expected a number greater than or equal to 0, got -1"),
        (("seed: 7", "seed: null"), "2 seed: nothing is written here; expected a whole number"),
        (("study: small", "study: a/b"), "1 study: expected a name of at most 80 letters, digits and _ . + -, "),
        (("study: small", "study: [a]"), "1 study: expected text, got ['a']"),
        (("tokens: 1M", "tokens: 1X"), "9 pretrain.defaults.tokens: write a whole number such as 1200000, "),
        (("tokens: 1M", "tokens: 1M, lr: fast"), "9 pretrain.defaults.lr: expected a number, got 'fast'"),
        (("tokens: 1M", "tokens: 1M, lr: nan"), "9 pretrain.defaults.lr: expected a finite number, got 'nan'"),
        (("tokens: 1M", "tokens: 1M, schedule: cosin"),
         "9 pretrain.defaults.schedule: expected 'cosine', 'linear', 'wsd' or 'constant', got 'cosin'"),
        (("[clm, sc]", "[clm, cml]"), "11 pretrain.grid.objective[1]: unknown objective 'cml'; did you mean \"clm\"?"),
        (("[cms, cbqa]", "cms"), "13 finetune.tasks: expected a list, got 'cms'"),
        (("[ppl_clm, kshot_cms]", "5"), "14 indicators: expected a list, got 5"),
        (("[ppl_clm, kshot_cms]", "{ppl_clm: {tokns: 1}}"),
         '14 indicators.ppl_clm.tokns: unknown key; did you mean "tokens"?'),
        (("[ppl_clm, kshot_cms]", "{ppl_clm: {tokens: x}}"),
         "14 indicators.ppl_clm.tokens: write a whole number such as"),
        (("{outcome: cms, ", "{"), "15 select.primary.outcome: this key is needed"),
    ],
)  # fmt: skip
def test_a_fault_has_line_key_expectation_and_remedy(complaint: Complaint, edit: tuple[str, str], message: str) -> None:
    found = complaint(edited(edit))
    assert found.startswith(message)
    assert "\n" not in found


def test_all_faults_are_told_at_once(complaint: Complaint) -> None:
    found = complaint(edited(("seed: 7", "seed: x"), ("{preset: nano}", "{}"), ("finetune: {", "fintune: {")))
    assert [line.split(":")[0] for line in found.splitlines()] == [
        "2 seed", "3 model.width", "3 model.layers", "3 model.heads", "3 model.ffn_width", "3 model.context",
        "13 fintune",
    ]  # fmt: skip


@pytest.mark.parametrize(("key", "shown"), [('""', "''"), ('"a\\nb"', "'a\\nb'"), ('"\\e[31m"', "'\\x1b[31m'")])
def test_a_key_that_would_not_print_is_quoted(complaint: Complaint, key: str, shown: str) -> None:
    assert complaint(f"{SPEC}{key}: 1\n").startswith(f"16 {shown}: unknown key")


def test_a_long_value_is_cut(complaint: Complaint) -> None:
    assert len(complaint(edited(("study: small", "study: " + "x" * 100_000)))) < 250


def test_a_place_is_spelled_as_in_the_spec() -> None:
    assert dotted(("pretrain", "include", 0, "lr")) == "pretrain.include[0].lr"
    assert dotted(()) == ""


def test_the_line_of_what_was_not_written_is_that_of_what_surrounds_it() -> None:
    lines = {("a",): 3, ("a", "b"): 4}
    assert [line_of(lines, place) for place in (("a", "b"), ("a", "c", 0), ("d",))] == [4, 3, None]


def test_thousands_of_mistakes_are_counted_soon(complaint: Complaint) -> None:
    began = time.process_time()
    said = complaint(SPEC + "".join(f"key{i}: 1\n" for i in range(10_000))).splitlines()
    assert time.process_time() - began < 5
    assert (len(said), said[-1]) == (21, "… and 9,980 more")
