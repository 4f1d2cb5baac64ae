"""The sections of all blocks: there when there is something to show, in order, and only what the JSON says."""

from __future__ import annotations

import copy
import json
import re
import time
from typing import Any

import pytest

from ptp_core.report.accuracy import accuracies_of
from ptp_core.report.audit import audit_of
from ptp_core.report.chart_spec import spec
from ptp_core.report.decision import decision_of
from ptp_core.report.learned import learned_of
from ptp_core.report.lines import gaps_of, top_k_of
from ptp_core.report.linked import MOST_VARIANTS, json_in_script, linked_of
from ptp_core.report.page import render
from ptp_core.report.ranking import glance
from ptp_core.report.strata import strata_of
from ptp_core.report.study import read_study
from ptp_core.report.testing import all_tests
from ptp_core.report.transfer import shade, transfer_of
from tests.report import blocks
from tests.report.test_report_page import HOSTILE, Page

ORDER = tuple("verdict audit ranking indicators scatter strata learned decision tests curves made glossary".split())
BLOCKS = {"strata": ("strata", "gaps"), "learned": ("learned",), "decision": ("decision",)}


def sections(page: Page) -> list[str]:
    return [value for tag, name, value in page.attributes if tag in ("section", "header") and name == "id"]


def links(page: Page) -> list[str]:
    return [v[1:] for tag, name, v in page.attributes if tag == "a" and name == "href" and v.startswith("#")]


def test_every_section_is_there_in_order_and_linked(whole: Any) -> None:
    page = Page(render(*whole))
    assert tuple(sections(page)) == ORDER
    assert links(page) == ["audit", *ORDER[1:]]  # the warnings link to the audit too
    assert len(page.ids) == len(set(page.ids))
    assert "None" not in page.words
    assert " nan" not in page.words.lower()


@pytest.mark.parametrize("absent", ["strata", "learned", "decision"])
def test_an_absent_block_leaves_no_empty_section(whole: Any, absent: str) -> None:
    selection, table, run, audit = copy.deepcopy(whole)
    selection["transfer"] = None
    for block in selection["outcomes"].values():
        for key in BLOCKS[absent]:
            block.pop(key)
    page = Page(render(selection, table, run, audit))
    assert sections(page) == [key for key in ORDER if key != absent]
    assert absent not in links(page)


def test_an_audit_without_findings_is_no_section(made: Any) -> None:
    selection = {**made[0], "warnings": []}
    assert "audit" not in sections(Page(render(selection, made[1], None, {"findings": [], "left_out": []})))


def test_findings_stand_by_gravity_with_what_was_done(whole: Any) -> None:
    view = audit_of(read_study(whole[0], whole[1]), whole[3])
    assert view is not None
    assert [(group.severity, len(group.findings)) for group in view.groups] == [
        ("grave", 1),
        ("warning", 3),
        ("note", 2),
    ]
    assert [finding.action for finding in view.groups[1].findings] == ["left out", "left out", "kept"]
    assert view.further == ("The learning rate alone is as good as any indicator.",)  # the others are findings


def test_only_grave_findings_and_those_of_the_run_stand_in_the_header(whole: Any) -> None:
    selection, table, run, audit = whole
    text = render(selection, table, run, audit)
    header = Page(text[text.index("<header") : text.index("</header>") + len("</header>")]).words
    assert "lr alone is as good as any indicator." in header
    assert "Only two seeds were fine-tuned." not in header
    assert "Only two seeds were fine-tuned." in Page(text).words


def test_a_finding_of_unknown_gravity_is_not_lost(made: Any) -> None:
    odd = {"findings": [{"kind": "new", "severity": "strange", "sentence": "Something new."}]}
    assert "Something new." in Page(render(made[0], made[1], None, odd)).words


def test_accuracies_stand_both_ways_where_variants_were_left_out(whole: Any) -> None:
    selection, table = whole[:2]
    words = Page(render(*whole)).words
    assert "everything kept, 18 variants" in words
    view = audit_of(read_study(selection, table), whole[3])
    assert view is not None
    assert len(view.both_ways) == 3
    name, accuracy, _, given, _ = view.both_ways[0].rows[0]
    outcome = view.both_ways[0].outcome.name
    assert accuracy == f"{selection['outcomes'][outcome]['indicators'][name]['accuracy']:.3f}"
    assert given == f"{selection['as_given']['outcomes'][outcome]['indicators'][name]['accuracy']:.3f}"


def test_baselines_stand_below_the_indicators(whole: Any) -> None:
    words = Page(render(*whole)).words
    assert "Baselines: what costs next to nothing" in words
    assert "within lr" in words


def test_published_figures_stand_beside_the_models_that_kept_every_variant_too(whole: Any) -> None:
    study = read_study(whole[0], whole[1])
    with_published, without = (learned_of(study, study.outcomes[at]) for at in (0, 1))
    assert with_published is not None
    assert without is not None
    assert [group.title for group in with_published.groups] == [
        "As analysed: 16 variants",
        "Everything kept: 18 variants",
    ]
    row = with_published.groups[1].rows[-1]
    assert (row.name, row.accuracy) == ("LightGBM (elsewhere)", "0.332")
    assert row.note == "published; less lr alone −0.411, p 0.012"
    assert [len(group.rows) for group in without.groups] == [len(blocks.MODELS)] * 2


def test_published_figures_stand_by_themselves_where_no_variant_was_left_out(whole: Any) -> None:
    selection = copy.deepcopy(whole[0]) | {"as_given": None}
    selection["outcomes"]["commonsense"]["learned"]["published"] = blocks.published(0)
    study = read_study(selection, whole[1])
    view = learned_of(study, study.outcomes[0])
    assert view is not None
    assert [(group.title, len(group.rows)) for group in view.groups] == [
        ("As analysed: 16 variants", len(blocks.MODELS)),
        ("Published", 1),
    ]


def test_every_indicator_has_its_verdict_and_what_it_means(whole: Any) -> None:
    study = read_study(whole[0], whole[1])
    indicators, baselines = accuracies_of(study, study.outcomes[0]).groups
    assert {(row.verdict, row.words, row.tone) for row in indicators.rows} == {
        ("undecided", "cannot be told from chance", "open")
    }
    assert not any(row.verdict for row in baselines.rows)
    assert [line["verdict"] for line in (glance(study, outcome) for outcome in study.outcomes)] == ["undecided"] * 3
    words = Page(render(*whole)).words.split("Indicator against outcome")[0]
    assert words.count("cannot be told from chance") >= 15  # five indicators on three outcomes


def test_names_that_a_sentence_says_are_not_repeated_below_it(whole: Any) -> None:
    view = audit_of(read_study(whole[0], whole[1]), whole[3])
    assert view is not None
    assert [finding.names for finding in view.groups[1].findings] == [(), (), (("outcomes", "commonsense"),)]


def test_strata_are_compared_with_all_pairs(whole: Any) -> None:
    study = read_study(whole[0], whole[1])
    view = strata_of(study, study.outcomes[0])
    assert view is not None
    assert [row.label for row in view.rows] == ["all pairs", "same lr", "only lr differs", "same objective"]
    assert view.rows[0].n_pairs == "120"
    assert {cell.tone for row in view.rows for cell in row.cells} <= {"good", "bad", "open"}
    assert len(view.levels) == 4  # levels of pairs that differ in one setting are not one value of it


def test_the_line_of_a_gap_without_a_number_is_shorter() -> None:
    rows = [{"low": 0.0, "high": 1.0, "indicators": {"a": {"accuracy": x}}} for x in (0.5, None, 0.75)]
    plot = gaps_of(rows, ["a", "b"])
    assert plot is not None
    assert [(one.label, len(one.points)) for one in plot.series] == [("a", 2)]
    assert gaps_of(None, ["a"]) is None


def test_one_size_makes_no_curve() -> None:
    assert top_k_of([("a", [{"k": 1, "p_best": 0.5}])], 10) is None
    assert top_k_of([("a", [{"k": 1, "p_best": 0.5}, {"k": 2, "p_best": None}])], 10) is None


def test_a_quick_learned_block_shows_only_its_models(whole: Any) -> None:
    study = read_study(whole[0], whole[1])
    thorough, quick = (learned_of(study, study.outcomes[at]) for at in (0, 2))
    assert thorough is not None
    assert quick is not None
    assert thorough.calibration is not None
    assert (quick.calibration, quick.curve, quick.families, quick.importance) == (None, None, (), None)
    assert len(quick.groups[0].rows) == len(blocks.MODELS)


def test_the_heat_map_is_blue_above_chance_and_red_below() -> None:
    assert [shade(x) for x in (0.5, 0.62, 1.0, 0.38, 0.0, None)] == ["up0", "up1", "up5", "down1", "down5", ""]
    view = transfer_of({"transfer": {"a": {"a": {"mean": 0.8}, "b": {"mean": 0.4}}, "b": {"b": {"mean": None}}}})
    assert view is not None
    assert view.tested == ("a", "b")
    assert [cell[0] for _, cells in view.rows for cell in cells] == ["0.800", "0.400", "–", "–"]
    assert transfer_of({"transfer": {}}) is None


def test_the_decision_says_what_the_selection_says(whole: Any) -> None:
    study = read_study(whole[0], whole[1])
    view = decision_of(study.outcomes[0])
    assert view is not None
    assert view.shortlist_facts[0] == ("fine-tune", "3 of 16")
    assert view.abstain == ("The best two cannot be told apart by two seeds.",)
    assert view.ks == ("1", "2", "3", "5", "8", "13")
    words = Page(render(*whole)).words
    assert "With 41 variants of this kind the indicator would be told from chance" in words
    bare = Page(
        render({"outcomes": {"o": {"decision": {"shortlist": None, "power": None, "next": None}}}}, whole[1], None)
    )
    assert "None" not in bare.words


def test_every_p_stands_in_the_table_of_tests(whole: Any) -> None:
    study = read_study(whole[0], whole[1])
    view = all_tests(study.outcomes[0])
    assert view is not None
    block = study.outcomes[0].data
    n = 2 * len(block["indicators"]) + 4 + 3 * 5 + len(block["differences"]) + len(block["learned"]["comparisons"])
    assert len(view.rows) == n
    assert view.is_folded


def test_nulls_in_the_blocks_become_dashes_or_nothing(whole: Any) -> None:
    page = Page(render(without_numbers(whole[0]), whole[1], None, without_numbers(whole[3])))
    assert "None" not in page.words
    assert "nan" not in page.words.lower().split()


def without_numbers(value: Any) -> Any:
    """The same with null for every fraction."""
    if isinstance(value, dict):
        return {key: without_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_numbers(item) for item in value]
    return None if isinstance(value, float) else value


def test_json_cannot_leave_its_script_element() -> None:
    hostile = ["</script><script>alert(1)</script>", "<!--", "\u2028", "\udc80", '"']
    text = json_in_script(hostile)
    assert "<" not in text
    assert json.loads(text) == hostile
    text.encode()


def test_hostile_names_stay_text_in_every_section_and_in_the_json(make_study: Any) -> None:
    def page_of(prefix: str) -> tuple[Page, str]:
        selection, table, run = make_study(seed=3, prefix=prefix)
        selection = blocks.completed(selection)
        text = render(selection, table, run, blocks.audit_of(selection))
        return Page(text), text

    plain, _ = page_of("")
    hostile, text = page_of(HOSTILE)
    assert sorted(hostile.tags) == sorted(plain.tags)
    assert {name for _, name, _ in hostile.attributes} == {name for _, name, _ in plain.attributes}
    data = re.search(r'<script type="application/json" id="linked-data">(.*?)</script>', text, re.DOTALL)
    assert data
    assert any(HOSTILE in row["n"] for row in json.loads(data[1])["rows"])


def test_no_name_of_a_user_is_part_of_an_expression() -> None:
    # The spec is one constant: it is made from nothing.
    assert json.dumps(spec()) == json.dumps(spec())
    assert "datum[pick.field]" in json.dumps(spec())


def test_the_libraries_are_there_once_and_only_with_a_chart(whole: Any) -> None:
    text = render(*whole)
    assert text.count("window.vegaEmbed=") == 1
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert policy[1].count("sha256-") == 3
    assert "unsafe" not in policy[1]
    assert "window.vegaEmbed" not in render({"outcomes": {"o": {}}}, whole[1].iloc[:0], None)


def test_indicators_with_the_same_values_for_all_outcomes_are_written_once(whole: Any) -> None:
    view = linked_of(read_study(whole[0], whole[1]))
    assert view is not None
    columns = {key for row in json.loads(view.data)["rows"] for key in row if re.fullmatch(r"i\d+", key)}
    assert len(columns) == 5
    assert [len(choices) for choices in view.charts.values()] == [5, 5, 5]


@pytest.mark.slow
def test_a_field_of_a_thousand_variants_is_light_and_quick(make_study: Any) -> None:
    selection, table, run = make_study(n_mixtures=250, n_indicators=10, prefix="a-name-of-usual-length/")
    selection = blocks.completed(selection)
    audit = blocks.audit_of(selection)
    start = time.process_time()  # of all threads: other jobs of the machine do not count
    text = render(selection, table, run, audit)
    assert time.process_time() - start < 20
    assert len(text.encode()) < 5e6


def test_a_value_that_is_not_finite_is_not_drawn(whole: Any) -> None:
    table = whole[1].copy()
    table.loc[(table["name"] == "ppl_clm") & (table["variant"] == "clm/web"), "value"] = float("inf")
    view = linked_of(read_study(whole[0], table))
    assert view is not None
    rows = json.loads(view.data)["rows"]
    assert [sum(key.startswith("i") for key in row) for row in rows] == [4] + [5] * 15


def test_more_variants_than_a_chart_can_show_are_counted(make_study: Any) -> None:
    made = make_study(n_mixtures=MOST_VARIANTS // 4 + 5, n_outcomes=1, n_indicators=1)
    assert "20 variants are not in the linked chart" in Page(render(*made)).words
