"""``finetune.intermediate``: what it may name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ptp_core.spec.loaded import LoadedStudy
from tests.spec.texts import SPEC, edited

POINTS = ("{tokens: 1M}", "{tokens: 1M, checkpoints: [250k, 500k]}")


def asking(wish: str, *edits: tuple[str, str]) -> str:
    return edited(("seeds: [0, 1]", f"seeds: [0, 1], intermediate: {wish}"), *edits)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ("{variants: [clm-evn]}",
         "13 finetune.intermediate.variants[0]: no variant that is pre-trained here is called 'clm-evn'; did you mean "
         '"clm-even"?'),
        ('{variants: ["clm-*", "ul2-*"]}', "13 finetune.intermediate.variants[1]: no variant that is pre-trained here"),
        ("{checkpoints: [300k]}",
         "13 finetune.intermediate.checkpoints[0]: none of these variants has a checkpoint after 300k tokens; expected "
         "250k, 500k"),
        ("{tasks: [rag]}",
         '13 finetune.intermediate.tasks[0]: task "rag" is none of those fine-tuned on; known: cbqa, cms'),
        ("{seeds: [2]}", "13 finetune.intermediate.seeds[0]: seed 2 is none of those fine-tuned with; expected 0, 1"),
        ("{seeds: [1, 1]}", "13 finetune.intermediate.seeds: something is listed twice"),
        ("{variants: []}", "13 finetune.intermediate.variants: expected at least one entry"),
        ("{variant: [clm-even]}", '13 finetune.intermediate.variant: unknown key; did you mean "variants"?'),
    ],
)  # fmt: skip
def test_a_name_that_is_none_is_told_with_its_line(complaint: Callable[[str], str], wish: str, message: str) -> None:
    assert message in complaint(asking(wish, POINTS))


def test_variants_without_checkpoints_on_the_way_have_nothing_to_tune(complaint: Callable[[str], str]) -> None:
    found = complaint(asking("{}"))
    assert "13 finetune.intermediate: none of these variants has a checkpoint on the way; list token counts" in found


def test_a_variant_has_the_checkpoints_that_it_keeps_and_that_are_asked_for(load: Callable[[str], LoadedStudy]) -> None:
    study = load(asking('{variants: ["*-ev?n"], checkpoints: [500k]}', POINTS))
    assert {v.name: study.tuned_on_the_way(v) for v in study.variants} == {
        "clm-even": (500_000,), "clm-most": (), "sc-even": (500_000,), "sc-most": (),
    }  # fmt: skip


def test_without_the_section_none_is_tuned_on_the_way(load: Callable[[str], LoadedStudy]) -> None:
    study = load(SPEC)
    assert {study.tuned_on_the_way(v) for v in study.variants} == {()}
