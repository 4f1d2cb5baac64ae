"""A section ``scaling`` beside what is pre-trained: what it names, and what it stands in for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ptp_core.spec.loaded import LoadedStudy
from tests.spec.texts import edited

TUNED = "finetune: {tasks: [cms, cbqa], seeds: [0, 1]}\n"
PRIMARY = ("select: {primary: {outcome: cms, indicator: ppl_clm}}\n", "")
SCALING = "scaling: {losses: [ppl_clm], targets: [kshot_cms]}\n"


def scaling(section: str) -> str:
    return edited((TUNED, f"scaling: {section}\n"), PRIMARY)


def test_a_study_with_laws_of_size_needs_no_fine_tuning(load: Callable[[str], LoadedStudy]) -> None:
    study = load(edited((TUNED, SCALING), PRIMARY))
    assert study.outcome_columns == study.tested == ()


def test_a_study_with_neither_is_told_of_both(complaint: Callable[[str], str]) -> None:
    found = complaint(edited((TUNED, ""), PRIMARY))
    assert "8 pretrain: pre-training variants needs a section `finetune` or `scaling` as well" in found


def test_a_tiny_fine_tuning_needs_to_know_how(complaint: Callable[[str], str]) -> None:
    text = edited((TUNED, SCALING), PRIMARY, ("[ppl_clm, kshot_cms]", "[ppl_clm, kshot_cms, tuned_cms]"))
    assert "14 indicators[2]: tuned_cms is tuned with the settings of a section `finetune`" in complaint(text)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{losses: [ppl_cln]}", "no number is called 'ppl_cln'; did you mean \"ppl_clm\"?"),
        ("{losses: [ppl_clm], targets: {kshot_cmd: {chance: 0.25}}}", "no number is called 'kshot_cmd'; did you mean"),
        ('{losses: ["ppl_clm@*"]}', "no number is called 'ppl_clm@*'"),
        ("{losses: [ppl_clm], hold_out: [sc-mots]}", "no run is called 'sc-mots'; did you mean \"sc-most\"?"),
        ('{losses: [ppl_clm], fit: ["clm-*", "ul2-*"]}', "no run is called 'ul2-*'"),
        ("{losses: [ppl_clm], mixture: {sources: [share.facts, share.stoires]}}",
         "no configuration column is called 'share.stoires'; did you mean \"share.stories\"?"),
    ],
)  # fmt: skip
def test_a_name_that_is_none_is_told_with_its_line(complaint: Callable[[str], str], section: str, message: str) -> None:
    found = complaint(scaling(section))
    assert found.startswith("13 scaling.")
    assert message in found


def test_names_that_are_there_are_no_fault(load: Callable[[str], LoadedStudy]) -> None:
    text = scaling(
        '{losses: ["ppl_*"], targets: ["kshot_c?s"], fit: ["clm-*"], hold_out: [sc-most], '
        "runs: {sc-even: {tokens: 1M}}, mixture: {sources: {facts: share.facts, reading: share.reading}}}"
    )
    assert load(text).share_columns["facts"] == "share.facts"


def test_what_only_a_table_tells_is_not_looked_for(load: Callable[[str], LoadedStudy]) -> None:
    table = "measurements: [{path: t.csv, variant: v, indicators: [loss], outcomes: []}]\n"
    assert load(scaling("{losses: [other]}") + table).spec.measurements


def test_a_table_without_outcomes_will_do(load: Callable[[str], LoadedStudy]) -> None:
    table = "measurements: [{path: t.csv, variant: v, indicators: [loss], outcomes: []}]\n"
    assert load(f"study: s\n{table}scaling: {{losses: [loss]}}\n").spec.scaling
