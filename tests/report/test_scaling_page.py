"""The page of laws: every block of the contract is shown, what is missing leaves nothing, and a browser is content."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ptp_core.report.page import render
from ptp_core.report.scaling.page import render_scaling, write_scaling
from ptp_core.report.scaling.predictions import reach_words
from tests.report.browser import CHROMIUM, Browser
from tests.report.pages import check_shown, check_whole, n_open_panels, part, same_tags, sections, words_of
from tests.report.scaling_blocks import scaling_summary
from tests.report.test_report_page import HOSTILE, Page

ORDER = ["ranking", "predictions", "errors", "fits", "stages", "mixture", "tuning", "glossary"]
SIBLINGS = {"Selection": "report.html", "Scaling": "scaling.html", "Dynamics": "dynamics.html"}
GROUPS = ("C4", "RedPajama", "RefinedWeb")
with_browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    return scaling_summary()


@pytest.fixture(scope="module")
def text(summary: dict[str, Any]) -> str:
    return render_scaling(summary, SIBLINGS)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()


def words(text: str, section: str) -> str:
    return words_of(part(text, section))


def test_every_section_is_there_in_order_and_linked(text: str) -> None:
    check_whole(text, ORDER)


def test_the_fixture_is_json() -> None:
    assert json.loads(json.dumps(scaling_summary(), allow_nan=False)) == scaling_summary()


def test_the_headline_leads_and_the_warnings_follow(text: str, summary: dict[str, Any]) -> None:
    page = Page(text).words
    assert page.index(summary["verdict"]["headline"]) < page.index("Which form extrapolates best")
    assert all(sentence in page for sentence in (*summary["verdict"]["details"], *summary["warnings"]))


def test_it_leads_to_its_siblings_and_to_its_json(text: str) -> None:
    links = [v for tag, n, v in Page(text).attributes if (tag, n) == ("a", "href") and not v.startswith("#")]
    assert links == ["./report.html", "./dynamics.html", "./scaling.json", "./scaling_laws.json"]
    assert '<b aria-current="page">Scaling</b>' in text


def test_the_selection_page_can_lead_to_its_siblings_too(made: Any) -> None:
    assert '<a class="name" href="./scaling.html">Scaling</a>' in render(*made, siblings=SIBLINGS)


def test_the_ranking_marks_the_chosen_form_and_shows_flp_beside_it(text: str, summary: dict[str, Any]) -> None:
    shown = words(text, "ranking")
    assert shown.count("the chosen form by inner error, inside the fitted runs") == 2
    assert "power law of compute → straight line FLP flp+linear" in shown
    best = next(row for row in summary["ranking"] if row["kind"] == "score")
    assert f"{100 * best['held_out_error']:.2g} %" in shown


def test_the_forms_stand_in_the_order_of_the_ranking(text: str, summary: dict[str, Any]) -> None:
    forms = [row["form"] for row in summary["ranking"] if row["kind"] == "score" and row["form"] != "chosen"]
    places = [part(text, "ranking").index(f'<small class="name">{form}</small>') for form in forms]
    assert len(places) == 11
    assert places == sorted(places)


def test_a_prediction_has_its_band_its_actual_value_and_its_reach(text: str, summary: dict[str, Any]) -> None:
    fits = summary["fits"][""]["loss_c4"]
    form = next(name for name, fit in fits.items() if fit["chosen"])
    entry = summary["targets"]["3B-80x"]["loss_c4"][form]
    shown = words(text, "predictions")
    assert f"{entry['predicted']:.3f}" in shown
    assert "{:.3f} to {:.3f}".format(*entry["band95"]) in shown
    assert f"{entry['actual']:.3f}" in shown
    assert "9× beyond the largest fitted compute" in shown


def test_reach_is_said_in_plain_words() -> None:
    assert reach_words({"m": {"flp": {"reach": 12.04}}}) == "12× beyond the largest fitted compute"
    assert reach_words({"m": {"flp": {"reach": 0.5}}}) == "within the fitted compute (0.5× the largest)"
    assert reach_words({"m": {"flp": {"reach": None}}}) == ""


def test_abstention_is_said_with_both_numbers(text: str, summary: dict[str, Any]) -> None:
    abstained = [
        summary["targets"][run][metric][form]["words"]
        for run in summary["targets"]
        for metric, fits in summary["fits"][""].items()
        for form, fit in fits.items()
        if fit["chosen"] and summary["targets"][run][metric][form]["abstains"]
    ]
    assert abstained
    shown = words(text, "predictions")
    assert f"{len(abstained)} predictions here abstain" in shown
    assert all(sentence in shown for sentence in abstained)


def test_a_score_that_has_not_emerged_is_reported_as_such(text: str) -> None:
    assert "task-3 no prediction" in words(text, "predictions")
    assert "3 of 12 runs are 5 points above chance; 4 are needed" in words(text, "predictions")
    assert "1 score has no line: not emerged in enough runs" in words(text, "stages")


def test_a_mean_of_forms_is_named_by_what_it_is_made_of(summary: dict[str, Any]) -> None:
    changed = copy.deepcopy(summary)
    fits = changed["fits"][""]["loss_c4"]
    form = next(name for name, fit in fits.items() if fit["chosen"])
    fits["combined"] = {**fits[form], "words": "mean of flp and nd, whose inner errors hardly differ; inner error: …"}
    fits[form]["chosen"] = False
    for run in changed["targets"].values():
        run["loss_c4"]["combined"] = run["loss_c4"][form]
    text = render_scaling(changed)
    assert "mean of flp and nd; held-out error" in words(text, "fits")
    assert "loss_c4 mean of flp and nd" in words(text, "predictions")
    assert words_of(part(text, "errors").partition("</thead>")[0]).split()[-4:] == [
        "combined",
        "FLP",
        "nd",
        "overtraining",
    ]


def test_what_has_no_prediction_stands_last(text: str) -> None:
    first = words(text, "predictions").partition("Every form")[0]
    assert first.index("task-4") < first.index("task-3")


def test_every_form_has_its_column_of_errors_once(text: str) -> None:
    columns = words_of(part(text, "errors").partition("</thead>")[0]).split()
    assert columns[-3:] == ["FLP", "nd", "overtraining"]
    assert columns.count("overtraining") == 1


def test_fits_have_a_band_held_out_points_and_a_prospect(text: str) -> None:
    fits = part(text, "fits")
    assert fits.count('class="band s0"') >= 5
    assert 'class="role-held_out"' in fits
    assert 'class="role-prospect"' in fits
    assert "training compute, FLOPs (log)" in words_of(fits)
    assert fits.count('class="line s7 other"') > 5  # the lines that a switch brings out


def test_stage_two_tells_points_that_have_not_emerged(text: str) -> None:
    assert "hollow" in part(text, "stages")
    assert "40 of 45 points emerged" in words(text, "stages")


@pytest.mark.parametrize(("kind", "mark"), [("triangle", 'class="triangle"'), ("slice", "<polygon"), ("line", "<path")])
def test_the_surface_is_drawn_for_any_number_of_sources(kind: str, mark: str) -> None:
    surface = part(render_scaling(scaling_summary(surface=kind)), "mixture").partition("The surface of")[2]
    assert mark in surface
    assert "mix-3" in surface


def test_the_law_of_the_mixture_stands_beside_its_baselines(text: str) -> None:
    shown = words(text, "mixture")
    assert "mean of 5 0.960 – 0.900 0.970" in shown
    assert "web 50 %, code 20 %, books 15 %, wiki 10 % and 1 more" in shown
    assert "mix-17: 2.470" in shown


def test_the_law_of_fine_tuning_says_how_well_few_examples_order_models(text: str) -> None:
    shown = words(text, "tuning")
    assert "before fine-tuning 0.620 0.520 to 0.680 12 66" in shown
    assert "rectified chosen" in shown
    assert "held out" in shown


@pytest.mark.parametrize("absent", ["ranking", "curves", "stage2", "mixture", "tuning", "targets"])
def test_an_absent_block_leaves_no_empty_section(summary: dict[str, Any], absent: str) -> None:
    left = {"targets": ["predictions", "errors"], "curves": [], "stage2": ["stages"]}.get(absent, [absent])
    expected = [key for key in ORDER if key not in left]
    for value in (None, [] if absent == "ranking" else {}):
        text = render_scaling({**summary, absent: value})
        check_whole(text, expected)
    check_whole(render_scaling({key: block for key, block in summary.items() if key != absent}), expected)


def test_a_summary_of_almost_nothing_still_makes_a_page() -> None:
    text = render_scaling({"study": "bare"})
    assert sections(text) == ["verdict", "glossary"]
    assert "No verdict" in Page(text).words


def test_nulls_become_dashes(summary: dict[str, Any]) -> None:
    bare = copy.deepcopy(summary)
    for row in bare["ranking"]:
        row.update(held_out_error=None, median=None, n=None, inner_error=None, n_chosen=None)
    for metrics in bare["targets"].values():
        for forms in metrics.values():
            for entry in forms.values():
                entry.update(predicted=None, actual=None, relative_error=None, band95=None, words=None)
    for row in bare["mixture"]["domains"]:
        row.update(spearman=None, ci95=None, relative_error=None, baselines={})
    for row in bare["tuning"]["pairwise"]:
        row.update(accuracy=None, ci95=None)
    check_whole(render_scaling(bare), [key for key in ORDER if key not in ("predictions", "errors")])


def test_groups_are_switched(summary: dict[str, Any]) -> None:
    text = render_scaling(scaling_summary(groups=GROUPS))
    assert text.count("<button") == 1 + len(GROUPS)
    assert 'id="switch"' not in render_scaling(summary)


@pytest.mark.slow
def test_forty_six_tasks_make_a_page_of_few_open_panels_within_five_megabytes() -> None:
    text = render_scaling(scaling_summary(groups=GROUPS, n_scores=46, prefix="a-longer-name-of-a-task/"))
    assert len(text.encode()) < 5e6
    assert n_open_panels(text) <= 24
    assert "show the other 34 metrics" in Page(text).words


def test_hostile_names_stay_text() -> None:
    plain, hostile = (Page(render_scaling(scaling_summary(prefix=prefix))) for prefix in ("", HOSTILE))
    assert same_tags(hostile, plain)
    assert "{{ 7 * 7 }}" in hostile.words


def test_a_link_cannot_leave_the_folder(summary: dict[str, Any]) -> None:
    for path in ("javascript:alert(1)", "//host.example/x", 'a"b<c'):
        page = Page(render_scaling(summary, {"Selection": path}))
        href = next(v for tag, n, v in page.attributes if (tag, n) == ("a", "href") and not v.startswith("#"))
        assert href.startswith("./")
        assert ":" not in href


def test_writing_replaces_the_file_in_one_step(summary: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "deep" / "scaling.html"
    for _ in range(2):
        write_scaling(path, summary, SIBLINGS)
    assert path.read_text(encoding="utf-8") == render_scaling(summary, SIBLINGS)
    assert [child.name for child in path.parent.iterdir()] == ["scaling.html"]


@with_browser
@pytest.mark.parametrize(("width", "dark"), [(400, False), (1200, False), (1200, True)])
def test_a_browser_shows_it_whole(text: str, browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    page = tmp_path / "scaling.html"
    page.write_text(text, encoding="utf-8")
    assert check_shown(browser, page, width, dark=dark)["height"] > 4000


@with_browser
def test_long_hostile_names_fit_a_narrow_screen(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "scaling.html"
    write_scaling(page, scaling_summary(groups=("a", "b"), prefix=HOSTILE + "very_long_name_" * 5), SIBLINGS)
    check_shown(browser, page, 400)


@with_browser
def test_the_switches_bring_out_one_group_and_the_other_forms(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "scaling.html"
    write_scaling(page, scaling_summary(groups=GROUPS))
    browser.show(page, 1000)
    shown = "[...document.querySelectorAll('#fits [data-outcome]')].filter((e) => e.offsetHeight > 0).length"
    lines = "[...document.querySelectorAll('#fits .other')].filter((e) => e.getBoundingClientRect().width > 0).length"
    assert browser.run(shown) == 1
    assert browser.run(lines) == 0
    browser.run("document.getElementById('lines-0').click()")
    assert browser.run(lines) > 5
    browser.run("document.querySelector('[data-show=all]').click()")
    assert browser.run(shown) == 3
    assert browser.complaints == []
