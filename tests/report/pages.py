"""What every page of a study must be: measured in a browser, and read without one."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from tests.report.browser import Browser
from tests.report.test_report_page import FETCHING, Page

# The WCAG's contrast of every piece of text with what lies behind it; a wash of colour counts with its own paper.
CONTRAST = """(() => {
  const probe = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const solid = (colour, under) => {
    probe.globalCompositeOperation = 'copy'; probe.fillStyle = under; probe.fillRect(0, 0, 1, 1);
    probe.globalCompositeOperation = 'source-over'; probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const paper = getComputedStyle(document.body).backgroundColor;
  const rgb = (c) => `rgb(${c.join(',')})`;
  const behind = (e) => e === document.body ? paper
    : rgb(solid(getComputedStyle(e).backgroundColor, behind(e.parentElement)));
  const linear = (v) => v <= 10 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const lum = (c) => { const [r, g, b] = c.map(linear); return .2126 * r + .7152 * g + .0722 * b; };
  const low = [];
  for (const e of document.querySelectorAll('h1,h2,h3,h4,p,b,li,th,td,a,span,dt,dd,summary,label')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    const box = e.getBoundingClientRect();
    if (!own || !box.width || !box.height || e.closest('.none')) continue;
    const under = behind(e), [a, b] = [lum(solid(getComputedStyle(e).color, under)), lum(solid(under, under))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4) low.push(`${e.className} ${e.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return [...new Set(low)];
})()"""
OVERLONG = """[...document.querySelectorAll('main *, header *')].filter((e) => !e.closest('.scroll')
  && !e.closest('svg') && e.getBoundingClientRect().right > innerWidth + 1)
  .map((e) => e.tagName + '.' + e.className).slice(0, 5)"""


def same_tags(one: Page, other: Page) -> bool:
    """Whether two pages are made of the same elements and attributes, but for places where a name may break."""
    tags = [sorted(tag for tag in page.tags if tag != "wbr") for page in (one, other)]
    names = [{name for _, name, _ in page.attributes} for page in (one, other)]
    return tags[0] == tags[1] and names[0] == names[1] and one.ids == other.ids


def words_of(text: str) -> str:
    """What a reader reads of a part of a page: each element's text apart, hover texts left out."""
    shown = re.sub(r"<title>.*?</title>", " ", text, flags=re.DOTALL).replace("<wbr>", "")
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", shown)).split())


def part(text: str, section: str) -> str:
    """The inside of a section of the page."""
    return text.partition(f'<section id="{section}">')[2].partition("</section>")[0]


def sections(text: str) -> list[str]:
    """Ids of the header and the sections, in their order."""
    return [v for tag, name, v in Page(text).attributes if tag in ("section", "header") and name == "id"]


def links(text: str) -> list[str]:
    """Where links inside the page lead."""
    return [v[1:] for tag, n, v in Page(text).attributes if (tag, n) == ("a", "href") and v.startswith("#")]


def check_whole(text: str, order: list[str]) -> Page:
    """All sections in order, each linked; nothing fetched; ids unique and plain; no word that only a program says."""
    page = Page(text)
    assert sections(text) == ["verdict", *order]
    assert links(text) == order
    assert len(page.ids) == len(set(page.ids))
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in page.ids)
    assert not {"None", "nan", "NaN", "inf"} & set(page.words.split())
    targets = [value for _, name, value in page.attributes if name in FETCHING]
    assert all(link.startswith(("#", "./", "data:,")) for link in targets)
    assert not {"iframe", "object", "embed", "base", "form", "img"} & set(page.tags)
    assert "unsafe" not in next(v for _, _, v in page.attributes if v.startswith("default-src 'none'"))
    return page


def n_open_panels(text: str) -> int:
    """Panels that are drawn outside everything that is folded away."""
    return without_folds(text).count('<figure class="panel')


def without_folds(text: str) -> str:
    """The page less what stands in details, which may nest."""
    while "<details" in text:
        inner = re.search(r"<details(?:(?!<details).)*?</details>", text, flags=re.DOTALL)
        assert inner
        text = text[: inner.start()] + text[inner.end() :]
    return text


def check_shown(browser: Browser, page: Path, width: int, *, dark: bool = False) -> dict[str, Any]:
    """In a window of this width: no request, no complaint, nothing wider than the window, all text legible."""
    browser.show(page, width, dark=dark)
    browser.run("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    browser.run("document.querySelectorAll('input.more').forEach((e) => { e.checked = true; })")
    browser.run("document.querySelector('[data-show=all]')?.click()")
    assert browser.requests == [page.as_uri()]
    assert browser.complaints == []
    assert browser.run(OVERLONG) == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run(CONTRAST) == []
    return {"height": browser.run("document.documentElement.scrollHeight")}
