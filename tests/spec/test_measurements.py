"""The three forms of a table in a spec, and what is said when they are mixed up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ptp_core.spec.loaded import LoadedStudy
from ptp_core.spec.measurements import LongTable, TidyTable, WideTable

Load = Callable[[str], LoadedStudy]
Complaint = Callable[[str], str]

WIDE = "{path: a.csv, variant: name, indicators: [ppl], outcomes: [sft]}"
LONG = "{path: a.csv, long: {variant: m, name: n, value: v, indicators: {tuned: none}, outcomes: others}}"
TIDY = "{path: a.parquet, tidy: {indicators: [ppl], outcomes: [sft]}}"


def study(*tables: str) -> str:
    return "study: t\nmeasurements:\n" + "".join(f"  - {table}\n" for table in tables)


def test_the_three_forms_may_stand_side_by_side(load: Load) -> None:
    tables = load(study(WIDE, LONG, TIDY)).spec.measurements
    assert [type(table) for table in tables] == [WideTable, LongTable, TidyTable]


def test_a_wide_table_may_have_rows_for_checkpoints_and_names_of_several_columns(load: Load) -> None:
    wide = WIDE.replace("variant: name", "variant: [size, name], step: s, tokens_per_step: 2k, only: {size: [1, 2]}")
    (table,) = load(study(wide)).spec.measurements
    assert isinstance(table, WideTable)
    assert (table.variant, table.tokens_per_step, table.only) == (("size", "name"), 2000, {"size": (1, 2)})


def test_what_only_a_file_knows_is_not_asked_before_it_is_read(load: Load) -> None:
    load(study(LONG) + "select: {primary: {outcome: any}}\n")
    load(study("{path: a.parquet, tidy: {outcomes: [x*]}}") + "select: {primary: {outcome: any}}\n")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (WIDE.replace("variant", "long: {}, variant"), "`variant` and `long` do not go together"),
        (LONG.replace("long", "tidy: {}, long"), "`tidy` and `long` do not go together: a table has one form"),
        (TIDY.replace("tidy", "config: [lr], tidy"), "`config` and `tidy` do not go together: `config` here maps"),
        (WIDE.replace("variant", "step: s, variant"), "`step` and `tokens_per_step` go together"),
        (WIDE.replace("variant", "missing: maybe, variant"), "measurements[0].missing: expected"),
        ("{path: a.csv, indicators: [x], outcomes: [y]}", "measurements[0].variant: this key is needed"),
        (LONG.replace("value", "valeu"), 'measurements[0].long.valeu: unknown key; did you mean "value"?'),
        (LONG.replace("n, value: v", "n"), "measurements[0].long.value: this key is needed"),
        (LONG.replace("{tuned: none}", "others"), "only one of `indicators` and `outcomes` can be the others"),
        (LONG.replace(", indicators: {tuned: none}, outcomes: others", ""), "say which rows are `indicators` and"),
        (LONG.replace("value: v", "value: v, step: s"), "`step` and `tokens_per_step` go together"),
        (LONG.replace("value: v", "value: v, step: s, tokens: t, tokens_per_step: 1k"), "one of `tokens` and `step`"),
        (LONG.replace("others", "rest"), "measurements[0].long.outcomes: expected"),
        (TIDY.replace("[sft]", "[]"), "measurements: no table has an outcome"),
        (TIDY.replace("outcomes", "outcome"), 'measurements[0].tidy.outcome: unknown key; did you mean "outcomes"?'),
        ("{path: a.csv, tidy: }", "measurements[0].tidy: nothing is written here; expected keys and values"),
        ("a.csv", "measurements[0]: expected"),
    ],
)
def test_a_mistake_is_explained_by_the_form_that_is_meant(complaint: Complaint, table: str, said: str) -> None:
    assert said in complaint(study(table))


def test_a_primary_claim_that_no_list_names_is_a_mistake(complaint: Complaint) -> None:
    said = complaint(study(TIDY) + "select: {primary: {outcome: sfd}}\n")
    assert "unknown outcome 'sfd'; did you mean \"sft\"?" in said
