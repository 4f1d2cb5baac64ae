"""The page of dynamics: every block of the contract is shown, what is missing leaves nothing, a browser is content."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ptp_core.report.dynamics.curves import tokens_scale
from ptp_core.report.dynamics.page import render_dynamics, write_dynamics
from ptp_core.report.dynamics.verdicts import latent_verdict, overtraining_verdict
from tests.report.browser import CHROMIUM, Browser
from tests.report.dynamics_blocks import dynamics_summary
from tests.report.pages import check_shown, check_whole, n_open_panels, part, same_tags, sections, words_of
from tests.report.test_report_page import HOSTILE, Page

ORDER = ["gains", "curves", "forgetting", "latent", "overtraining", "formats", "correlation", "early", "glossary"]
BLOCKS = {"cells": "curves"}
SIBLINGS = {"Selection": "report.html", "Dynamics": "dynamics.html"}
with_browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    return dynamics_summary()


@pytest.fixture(scope="module")
def text(summary: dict[str, Any]) -> str:
    return render_dynamics(summary, SIBLINGS)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()


def test_every_section_is_there_in_order_and_linked(text: str) -> None:
    check_whole(text, ORDER)


def test_the_fixture_is_json() -> None:
    assert json.loads(json.dumps(dynamics_summary(), allow_nan=False)) == dynamics_summary()


def test_the_headline_leads_and_the_warnings_follow(text: str, summary: dict[str, Any]) -> None:
    page = Page(text).words
    assert page.index(summary["verdict"]["headline"]) < page.index("What fine-tuning gains")
    assert all(sentence in page for sentence in (*summary["verdict"]["details"], *summary["warnings"]))


def test_it_leads_to_its_siblings_and_to_its_json(text: str) -> None:
    links = [v for tag, n, v in Page(text).attributes if (tag, n) == ("a", "href") and not v.startswith("#")]
    assert links == ["./report.html", "./dynamics.json"]
    assert '<b aria-current="page">Dynamics</b>' in text


def test_the_heat_map_frames_own_test_sets_and_says_interval_and_n(text: str, summary: dict[str, Any]) -> None:
    heat = part(text, "gains").partition("</table>")[0]
    assert heat.count(" same") == sum(row["in_domain"] for row in summary["gains"])
    row = next(row for row in summary["gains"] if row["in_domain"])
    assert f"mean gain +{row['mean_gain']:.3f} ({row['ci95'][0]:.3f} to {row['ci95'][1]:.3f})" in heat
    assert "n = 6 checkpoints" in heat
    assert 'class="num up' in heat
    assert 'class="num down' in heat


def test_a_gain_whose_interval_holds_nought_is_pale(summary: dict[str, Any]) -> None:
    heat = part(render_dynamics(summary), "gains").partition("</table>")[0]
    undecided = sum(row["ci95"][0] <= 0 <= row["ci95"][1] for row in summary["gains"])
    assert undecided > 0
    assert heat.count(" faint") == undecided


def test_test_sets_of_one_task_only_are_not_columns_where_there_are_many() -> None:
    summary = dynamics_summary()
    extra = [{**summary["gains"][0], "test": f"lone-{at}", "in_domain": False} for at in range(12)]
    text = render_dynamics({**summary, "gains": [*summary["gains"], *extra]})
    assert "lone-3" not in part(text, "gains").partition("</table>")[0]
    assert "12 further test sets" in part(text, "gains")
    assert "mnli → lone-3" in words_of(part(text, "gains"))  # in the figures


def test_curves_are_drawn_for_each_task_on_its_own_test_sets(text: str) -> None:
    curves = part(text, "curves")
    assert curves.count("<figure") == 5
    assert "mnli → mnli_mismatched" in curves
    assert "sciq" not in curves
    assert "tokens seen in pre-training" in curves


def test_without_any_own_test_set_all_are_drawn(summary: dict[str, Any]) -> None:
    cells = [{**cell, "in_domain": False} for cell in summary["cells"]]
    assert part(render_dynamics({**summary, "cells": cells}), "curves").count("<figure") == 28


def test_only_the_study_s_prompt_format_is_drawn(summary: dict[str, Any]) -> None:
    other = [{**cell, "prompt_format": "other", "test": cell["test"] + "-odd"} for cell in summary["cells"]]
    assert "odd" not in part(render_dynamics({**summary, "cells": [*summary["cells"], *other]}), "curves")


def test_forgetting_is_named_with_its_interval(text: str) -> None:
    shown = words_of(part(text, "forgetting"))
    assert "nli → qa forgetting −0.040 −0.060 to −0.020 0.96 25 % 12" in shown
    assert "qa → nli undecided +0.010" in shown


def test_what_is_undecided_is_said(text: str) -> None:
    latent = words_of(part(text, "latent"))
    assert "mnli latent gain +0.080" in latent
    assert "paws undecided" in latent
    assert "the base score rises as well" in latent
    overtraining = words_of(part(text, "overtraining"))
    assert "mnli, loss_c4 overtrained −0.060" in overtraining
    assert "undecided" in overtraining


def test_the_analysis_own_verdict_comes_first() -> None:
    row = {"latent": False, "verdict": "not latent", "words": "because"}
    assert latent_verdict(row) == ("not latent", "because")
    assert overtraining_verdict({"overtrained": False, "verdict": "undecided", "words": "why"}) == ("undecided", "why")
    assert latent_verdict({"latent": False})[0] == "undecided"
    assert overtraining_verdict({"overtrained": False, "loss_change": 0.1})[0] == "not overtrained"


def test_format_sensitivity_stands_before_and_after(text: str) -> None:
    shown = words_of(part(text, "formats"))
    assert "before fine-tuning after tuning on mnli" in shown
    assert "3 prompt formats" in shown
    assert "paws, before fine-tuning" in shown


def test_early_checkpoints_have_a_band_and_the_line_of_chance(text: str) -> None:
    early = part(text, "early")
    assert early.count('class="band s0"') == 3
    assert "dashed: chance" in early
    assert "12 variants" in early


def test_tokens_run_by_the_scale_that_spreads_the_checkpoints() -> None:
    assert tokens_scale([1e9, 1e10, 1e11, 1e12]).log
    assert not tokens_scale([4e9, 1.4e12, 1.8e12, 2.4e12, 3e12]).log
    assert not tokens_scale([0, 1e9, 1e12]).log


@pytest.mark.parametrize(
    "absent", ["cells", "gains", "forgetting", "formats", "correlation", "latent", "overtraining", "early"]
)
def test_an_absent_block_leaves_no_empty_section(summary: dict[str, Any], absent: str) -> None:
    expected = [key for key in ORDER if key != BLOCKS.get(absent, absent)]
    for value in (None, []):
        check_whole(render_dynamics({**summary, absent: value}), expected)


def test_a_summary_of_almost_nothing_still_makes_a_page() -> None:
    assert sections(render_dynamics({"study": "bare"})) == ["verdict", "glossary"]


def test_nulls_become_dashes(summary: dict[str, Any]) -> None:
    bare = copy.deepcopy(summary)
    for row in bare["cells"]:
        row.update(base=None, gain=None, ci95=None, ratio=None, n_items=None)
    for block in ("gains", "forgetting", "correlation", "overtraining"):
        for row in bare[block]:
            row.update(dict.fromkeys(("mean_gain", "ci95", "mean_ratio", "spearman", "p", "tuned_change"), None))
    for row in bare["latent"]:
        row.update(base_slope=None, base_ci95=None, tuned_slope=None, tuned_ci95=None)
    for row in bare["early"]:
        row["points"][0].update(accuracy=None, ci95=None)
    check_whole(render_dynamics(bare), ORDER)


def test_many_runs_are_switched_and_folded() -> None:
    text = render_dynamics(dynamics_summary(trajectories=tuple(f"run-{at}" for at in range(6)), n_tasks=8))
    assert text.count("<button") == 1 + 6
    assert n_open_panels(text) <= 48
    assert len(text.encode()) < 5e6


def test_hostile_names_stay_text() -> None:
    plain, hostile = (Page(render_dynamics(dynamics_summary(prefix=prefix))) for prefix in ("", HOSTILE))
    assert same_tags(hostile, plain)
    assert "{{ 7 * 7 }}" in hostile.words


def test_writing_replaces_the_file_in_one_step(summary: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "deep" / "dynamics.html"
    for _ in range(2):
        write_dynamics(path, summary, SIBLINGS)
    assert path.read_text(encoding="utf-8") == render_dynamics(summary, SIBLINGS)
    assert [child.name for child in path.parent.iterdir()] == ["dynamics.html"]


@with_browser
@pytest.mark.parametrize(("width", "dark"), [(400, False), (1200, False), (1200, True)])
def test_a_browser_shows_it_whole(text: str, browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    page = tmp_path / "dynamics.html"
    page.write_text(text, encoding="utf-8")
    assert check_shown(browser, page, width, dark=dark)["height"] > 3500


@with_browser
def test_long_hostile_names_fit_a_narrow_screen(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "dynamics.html"
    many = dynamics_summary(trajectories=("a", "b"), prefix=HOSTILE + "very_long_name_" * 5)
    write_dynamics(page, many, SIBLINGS)
    check_shown(browser, page, 400)
