"""What the page of laws draws, and what it must not seem to say: beyond the axis, means of forms, the same twice."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ptp_core.report.charts import Mark
from ptp_core.report.scaling.page import render_scaling, sections_of, write_scaling
from ptp_core.report.scaling.study import read_laws
from ptp_core.report.study import untold
from ptp_core.report.tables import Row, Table, clamped
from tests.report.browser import CHROMIUM, Browser
from tests.report.pages import part, words_of
from tests.report.scaling_blocks import scaling_summary

BEYOND = "lies beyond the axis"
TOGETHER = ["overtraining+exponential", "nd+sigmoid"]
with_browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")


@pytest.fixture
def summary() -> dict[str, Any]:
    return copy.deepcopy(scaling_summary())


@pytest.fixture
def averaged(summary: dict[str, Any]) -> dict[str, Any]:
    """The mean of two forms was chosen for every score; only panels over compute may have a line of it."""
    summary["choice"] = {"": {"score": {"combined": TOGETHER}}}
    for metric, fits in summary["fits"][""].items():
        if metric.startswith("task") and any(fit["chosen"] for fit in fits.values()):
            for fit in fits.values():
                fit["chosen"] = False
            words = f"mean of {' and '.join(TOGETHER)}, whose inner errors hardly differ"
            fits["combined"] = {**fits["flp+linear"], "chosen": True, "words": words}
    return summary


def test_a_dot_beyond_the_axis_is_a_mark_and_no_dot() -> None:
    assert clamped(Mark(140.0, None, None, "open")) == Mark(None, None, None, "open", is_right=True)
    assert clamped(Mark(50.0, -3.0, 70.0, "good")) == Mark(50.0, 0.0, 70.0, "good", is_left=True)
    assert clamped(Mark(100.0, 0.0, 100.0 + 1e-12, "good")) == Mark(100.0, 0.0, 100.0, "good")


def test_only_a_table_with_something_beyond_its_axis_says_so() -> None:
    inside, outside = (
        Row("a", "1", mark=Mark(3.0, None, None, "")),
        Row("b", "9", mark=Mark(None, None, None, "", True)),
    )
    assert not Table("t", "", "", (), (("", (inside, Row("c", "–"))),)).is_cut
    assert Table("t", "", "", (), (("", (inside, outside)),)).is_cut


def test_the_note_stands_under_every_table_where_it_happens(summary: dict[str, Any]) -> None:
    for row in summary["ranking"]:
        row["held_out_error"] = 9.0 if row["form"] in ("flp", "flp+linear") else 0.02
    ranking = part(render_scaling(summary), "ranking")
    kinds = {row["kind"] for row in summary["ranking"] if row["form"] in ("flp", "flp+linear")}
    assert ranking.count(BEYOND) == len(kinds) == 2
    assert ranking.count(">▸</text>") == 2
    summary["ranking"] = [row for row in summary["ranking"] if row["held_out_error"] != 9.0]
    assert BEYOND not in part(render_scaling(summary), "ranking")


def test_a_band_beyond_the_axis_of_predictions_has_its_mark(summary: dict[str, Any]) -> None:
    form = next(name for name, fit in summary["fits"][""]["loss_c4"].items() if fit["chosen"])
    entry = summary["targets"]["3B-80x"]["loss_c4"][form]
    entry["band95"] = [entry["actual"], 4 * entry["actual"]]
    predictions = part(render_scaling(summary), "predictions")
    assert predictions.count(BEYOND) == 1
    assert predictions.count(">▸</text>") == 1


def test_the_choice_is_no_row_of_its_own_where_one_form_was_chosen_for_all(summary: dict[str, Any]) -> None:
    chosen = next(row for row in summary["ranking"] if row["form"] == "chosen" and row["kind"] == "score")
    same = {**chosen, "form": "combined"}
    summary["ranking"].insert(summary["ranking"].index(chosen), same)
    summary["choice"] = {"": {"score": {"combined": TOGETHER}}}
    shown = words_of(part(render_scaling(summary), "ranking"))
    told = f"combined: {' and '.join(TOGETHER)}; chosen by inner error, inside the fitted runs"
    assert f"mean of the two best forms the chosen form {told}" in shown
    assert shown.count("the chosen form") == 2  # the losses keep theirs
    same["held_out_error"] += 0.01
    assert words_of(part(render_scaling(summary), "ranking")).count("the chosen form by inner error") == 2


def test_of_a_mean_without_a_line_both_parts_are_brought_out(averaged: dict[str, Any]) -> None:
    views = sections_of(read_laws(averaged))
    plot = next(plot for plot in views["stages"][0].panels.shown if plot.curves)
    first = [curve for curve in plot.curves if curve.tone == "s0"]
    assert {curve.label for curve in first} == {
        "exponential error, part of the chosen mean",
        "sigmoid, part of the chosen mean",
    }
    text = render_scaling(averaged)
    told = "of a mean without a line of its own, each form it is made of"
    assert told in words_of(part(text, "stages"))
    assert told in words_of(part(text, "fits"))


def test_a_mean_with_a_line_is_drawn_by_that_line_alone(averaged: dict[str, Any]) -> None:
    for entry in averaged["curves"][""].values():
        if entry["lines"]:
            entry["lines"].append({**entry["lines"][0], "form": "combined"})
    views = sections_of(read_laws(averaged))
    panels = views["fits"][0].panels
    plot = next(plot for plot in (*panels.shown, *panels.folded) if plot.title == "task-1")
    assert [curve.label for curve in plot.curves if curve.tone == "s0"] == ["mean of the two best forms, chosen"]
    assert not views["fits"][0].has_parts


def test_the_axis_of_a_score_shows_chance_however_far_below(summary: dict[str, Any]) -> None:
    for metric in summary["metrics"]:
        metric["chance"] = None if metric["kind"] == "loss" else -3.0
    views = sections_of(read_laws(summary))
    for section in ("fits", "stages"):
        panels = views[section][0].panels
        plots = [plot for plot in (*panels.shown, *panels.folded) if plot.title.startswith("task")]
        assert len(plots) >= 3
        assert all(any(tick.label == "chance" for tick in plot.y_ticks) for plot in plots)


def test_what_the_verdict_has_said_is_not_said_again(summary: dict[str, Any]) -> None:
    mixture, tuning = (summary[name]["words"] for name in ("mixture", "tuning"))
    summary["verdict"] = {"headline": mixture[0], "details": list(tuning)}
    text = render_scaling(summary)
    assert words_of(text).count(words_of(mixture[0])) == 1
    assert all(words_of(text).count(words_of(sentence)) == 1 for sentence in tuning)
    assert 'class="plainly"' not in part(text, "tuning")
    assert untold(["A.", "B."], {"headline": "A", "details": None}) == ("B.",)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()


@with_browser
def test_the_matrix_of_errors_fits_with_its_titles_whole(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "scaling.html"
    write_scaling(page, scaling_summary(prefix="downstream/a_longer_name_rc_5shot_"))
    browser.show(page, 1280)
    boxes = "[...document.querySelectorAll('#errors .scroll')]"
    assert browser.run(f"{boxes}.every((e) => e.scrollWidth <= e.clientWidth)")
    titles = "[...document.querySelectorAll('#errors .turned')]"
    assert browser.run(f"{titles}.length") == 11
    holds = """((e) => { const a = e.getBoundingClientRect(), b = e.firstElementChild.getBoundingClientRect();
      return b.top >= a.top - 1 && b.bottom <= a.bottom + 1 && b.left >= a.left - 2 && b.right <= a.right + 2; })"""
    assert browser.run(f"{titles}.every({holds})")


@with_browser
def test_no_label_of_an_axis_runs_into_the_title_beside_it(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "scaling.html"
    summary = scaling_summary()
    form = next(name for name, fit in summary["fits"][""]["loss_c4"].items() if fit["chosen"])
    entry = summary["targets"]["3B-80x"]["loss_c4"][form]
    entry["band95"] = [entry["actual"], 4 * entry["actual"]]
    write_scaling(page, summary)
    browser.show(page, 1000)
    gaps = """[...document.querySelectorAll('#predictions th.plot')].filter((e) => e.offsetHeight > 0).map((e) => {
      const text = document.createRange(); text.selectNodeContents(e.nextElementSibling);
      return text.getBoundingClientRect().left
        - Math.max(...[...e.querySelectorAll('text')].map((t) => t.getBoundingClientRect().right)); })"""
    found = browser.run(gaps)
    assert found
    assert min(found) > 8


@with_browser
def test_the_first_and_last_label_of_an_axis_are_not_cut_off_on_a_narrow_screen(
    browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "scaling.html"
    write_scaling(page, scaling_summary())
    browser.show(page, 400)
    cut = """[...document.querySelectorAll('#ranking th.plot text')].filter((e) => {
      const box = e.closest('.scroll').getBoundingClientRect(), own = e.getBoundingClientRect();
      return own.left < box.left || own.right > box.right; }).length"""
    assert browser.run("document.querySelectorAll('#ranking th.plot text').length") > 3
    assert browser.run(cut) == 0
