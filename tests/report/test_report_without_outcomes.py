"""The report of a study whose results stand on its other pages: it leads there, and explains nothing that it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ptp_core.report.page import HELD, render
from tests.report.browser import CHROMIUM, Browser
from tests.report.pages import check_shown, check_whole, words_of

PAGES = {"Report": "report.html", "Scaling": "scaling.html", "Dynamics": "dynamics.html"}


@pytest.fixture(scope="module")
def text(made: Any) -> str:
    selection = {"study": "ladder", "verdict": {"headline": "One law is best.", "details": ["It is 3 % off."]}}
    return render(selection, made[1], None, None, PAGES)


def test_it_has_no_glossary_of_what_it_does_not_show(text: str) -> None:
    check_whole(text, ["made"])
    assert "How to read this page" not in text


def test_every_other_page_has_a_card_that_says_what_it_holds(text: str) -> None:
    cards = text.partition('<ul class="cards"')[2].partition("</ul>")[0]
    assert cards.count("<li>") == 2
    for title in ("Scaling", "Dynamics"):
        assert f'href="./{PAGES[title]}"' in cards
        assert HELD[title] in words_of(cards)
    assert (
        text.index("One law is best.")
        < text.index('<ul class="cards"')
        < text.index("It is 3 % off.".replace(" %", "\u00a0%"))
    )


def test_a_report_with_outcomes_has_its_glossary_and_no_cards(made: Any) -> None:
    text = render(*made, siblings=PAGES)
    assert '<section id="glossary">' in text
    assert 'class="cards"' not in text


def test_a_study_of_one_page_has_no_cards(made: Any) -> None:
    text = render({"study": "alone"}, made[1], None, None, {"Report": "report.html"})
    assert 'class="cards"' not in text


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")
@pytest.mark.parametrize(("width", "dark"), [(400, False), (1200, True)])
def test_the_cards_are_seen_without_scrolling(
    text: str, browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    page = tmp_path / "report.html"
    page.write_text(text, encoding="utf-8")
    check_shown(browser, page, width, dark=dark)
    assert browser.run("document.querySelector('.cards').getBoundingClientRect().bottom") < 700
