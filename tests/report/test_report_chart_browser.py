"""The linked chart in a real browser: it draws under the page's own policy, and pointing shows the misordered pairs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ptp_core.report.page import render
from ptp_core.report.study import read_study
from tests.report.browser import CHROMIUM, Browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")

SECTIONS = ["verdict", "audit", "ranking", "indicators", "scatter", "strata", "learned", "decision", "tests"]
MARKS = ".explore .points_marks path"
RULES = ".explore .layer_0_marks line"
FILLS = f"[...document.querySelectorAll('{MARKS}')].map((e) => e.getAttribute('fill'))"
LONG_RULES = f"""[...document.querySelectorAll('{RULES}')].filter((e) => {{
  const box = e.getBoundingClientRect(); return box.width + box.height > 2; }}).length"""
TIP = "document.getElementById('tip').hidden ? '' : document.getElementById('tip').innerText"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def page(whole: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(*whole), encoding="utf-8")
    return path


def drawn(browser: Browser, page: Path, width: int, *, dark: bool = False) -> None:
    browser.show(page, width, dark=dark)
    browser.run("document.querySelector('.explore').scrollIntoView({block: 'center'})")
    assert browser.until(f"document.querySelectorAll('{MARKS}').length")


def at_point(browser: Browser, number: int) -> tuple[float, float]:
    box = f"document.querySelectorAll('{MARKS}')[{number}].getBoundingClientRect()"
    x, y = browser.run(f"[{box}.x + {box}.width / 2, {box}.y + {box}.height / 2]")
    return x, y


def misordered(whole: Any, number: int) -> tuple[str, set[int]]:
    """The name of a drawn variant and the numbers of those whose pair with it the first indicator gets wrong."""
    study = read_study(whole[0], whole[1])
    outcome, name = study.outcomes[0], whole[0]["primary"]["indicator"]
    values, measured = outcome.data["values"], study.indicator_values(name)
    variants = list(values)
    me = variants[number]
    wrong = {
        at for at, v in enumerate(variants) if (values[v] - values[me]) * (measured[v] - measured[me]) < 0 and v != me
    }
    return me, wrong


def test_the_page_has_every_section_asks_for_nothing_and_complains_of_nothing(browser: Browser, page: Path) -> None:
    drawn(browser, page, 1200)
    ids = browser.run("[...document.querySelectorAll('header[id], section[id]')].map((e) => e.id)")
    assert ids == [*SECTIONS, "curves", "made", "glossary"]
    assert browser.requests == [page.as_uri()]
    assert browser.complaints == []


def test_pointing_at_a_variant_shows_the_pairs_that_the_indicator_gets_wrong(
    browser: Browser, page: Path, whole: Any
) -> None:
    drawn(browser, page, 1200)
    before = browser.run(FILLS)
    assert "var(--wrong)" not in before
    assert browser.run(LONG_RULES) == 0
    name, wrong = misordered(whole, 8)
    assert wrong
    browser.point_at(*at_point(browser, 8))
    fills = browser.until(FILLS, lambda now: "var(--wrong)" in now)
    assert {at for at, fill in enumerate(fills) if fill == "var(--wrong)"} == wrong
    assert fills[8] == "var(--ink)"
    assert browser.run(LONG_RULES) == len(wrong)
    opacity = browser.run(f"[...document.querySelectorAll('{MARKS}')].map((e) => e.getAttribute('opacity'))")
    assert all((float(x) < 0.3) == (at not in wrong and at != 8) for at, x in enumerate(opacity))
    tip = browser.until(TIP)
    assert tip.startswith(name)
    assert whole[0]["primary"]["indicator"] in tip
    assert "lr " in tip
    counted = browser.run("document.querySelector('.explore .layer_2_marks').textContent")
    assert counted == f"{15 - len(wrong)} pairs right, {len(wrong)} wrong"
    browser.point_at(4, 4)
    assert browser.until(FILLS, lambda now: now == before) == before
    assert browser.run(TIP) == ""
    assert browser.complaints == []


def test_a_variant_can_be_chosen_and_the_indicator_changed_without_a_pointer(
    browser: Browser, page: Path, whole: Any
) -> None:
    drawn(browser, page, 1200)
    browser.point_at(4, 4)
    choose = """(at, value) => { const one = document.querySelectorAll('.explore select')[at];
      one.value = value; one.dispatchEvent(new Event('change')); }"""
    browser.run(f"({choose})(1, 8)")
    _, wrong = misordered(whole, 8)
    assert browser.until(LONG_RULES, lambda n: n == len(wrong)) == len(wrong)
    x_before = at_point(browser, 0)[0]
    lower = browser.run("linked.charts[0].choices.findIndex((choice) => choice.lower)")
    browser.run(f"({choose})(0, {lower})")
    assert browser.until("document.querySelector('.explore .axis.x').textContent").endswith("(axis reversed) →")
    assert browser.until(f"document.querySelectorAll('{MARKS}')[0].getBoundingClientRect().x", lambda x: x != x_before)
    # Reversed: the variant with the smallest value stands furthest to the right.
    field = browser.run(f"linked.charts[0].choices[{lower}].field")
    least = browser.run(f"linked.rows.reduce((a, b) => a.{field} < b.{field} ? a : b).k")
    browser.until("0", lambda _: True)
    places = browser.run(f"[...document.querySelectorAll('{MARKS}')].map((e) => e.getBoundingClientRect().x)")
    assert places.index(max(places)) == least


def test_the_chart_of_another_outcome_is_drawn_when_it_is_shown(browser: Browser, page: Path) -> None:
    drawn(browser, page, 1200)
    assert browser.run("document.querySelectorAll('.explore .linked svg').length") == 1
    browser.run("document.querySelector('[data-show=\"1\"]').click()")
    browser.run("document.querySelector('[data-linked=\"1\"]').scrollIntoView({block: 'center'})")
    assert browser.until("document.querySelectorAll('[data-linked=\"1\"] .points_marks path').length") == 16
    assert browser.complaints == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_everything_without_scrolling_sideways(browser: Browser, page: Path, dark: bool) -> None:
    drawn(browser, page, 400, dark=dark)
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.run("document.documentElement.scrollWidth") <= 400
    sizes = browser.run(
        """[...new Set([...document.querySelectorAll('body *')].filter((e) => e.offsetHeight !== 0 &&
        [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && !e.closest('script, style'))
        .map((e) => parseFloat(getComputedStyle(e).fontSize)))]"""
    )
    assert min(sizes) >= 11
    assert contrast(browser, "body") > 7
    assert contrast(browser, ".lead") > 4.5
    assert browser.complaints == []


def test_the_chart_follows_the_scheme(browser: Browser, page: Path) -> None:
    drawn(browser, page, 1200)
    fill = f"getComputedStyle(document.querySelector('{MARKS}')).fill"
    light = browser.run(fill)
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.send("Emulation.setEmulatedMedia", features=features)
    assert browser.until(fill, lambda now: now != light) != light


def test_without_scripts_the_static_panels_are_open(browser: Browser, page: Path) -> None:
    browser.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.show(page, 1000)
        assert browser.run("document.querySelector('details.all').open")
        assert browser.run("document.querySelector('.explore').offsetHeight") == 0
        assert browser.run("document.querySelectorAll('details.all .panel circle').length") > 100
    finally:
        browser.send("Emulation.setScriptExecutionDisabled", value=False)


def test_hostile_names_are_only_ever_text(browser: Browser, make_study: Any, tmp_path: Path) -> None:
    from tests.report.blocks import audit_of, completed
    from tests.report.test_report_page import HOSTILE

    selection, table, run = make_study(prefix="</script><!--" + HOSTILE)
    selection = completed(selection)
    path = tmp_path / "hostile.html"
    path.write_text(render(selection, table, run, audit_of(selection)), encoding="utf-8")
    drawn(browser, path, 400)
    browser.point_at(*at_point(browser, 3))
    assert browser.until(TIP).startswith("</script><!--<script>alert('x')")
    assert browser.run("document.documentElement.scrollWidth") <= 400
    assert browser.run("document.querySelectorAll('img').length") == 0
    assert browser.complaints == []
    assert browser.requests == [path.as_uri()]


def contrast(browser: Browser, selector: str) -> float:
    """Contrast of a text with the page behind it, as WCAG 2 counts."""
    ink, paper = (
        json.loads(browser.run(f"JSON.stringify(getComputedStyle(document.querySelector('{where}')).{what})"))
        for where, what in ((selector, "color"), ("body", "backgroundColor"))
    )
    bright, dim = sorted((luminance(colour) for colour in (ink, paper)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def luminance(colour: str) -> float:
    parts = [int(number) / 255 for number in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
