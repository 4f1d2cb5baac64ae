"""The page in a real browser: it fits a narrow screen, breaks none of its own rules, and its switch works."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ptp_core.report.page import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not on PATH")

# A frame, because a headless window is never narrower than about 500 px; srcdoc, because a page may then look inside.
WRAPPER = """<!doctype html><iframe style="border:0;width:{width}px;height:900px" srcdoc="{page}"></iframe><pre></pre>
<script>
const frame = document.querySelector("iframe");
onload = () => {{
  const inside = frame.contentDocument;
  const shown = () => [...inside.querySelectorAll("[data-outcome]")].filter((e) => e.offsetHeight > 0).length;
  const found = {{ width: inside.documentElement.scrollWidth, height: inside.documentElement.scrollHeight,
    family: getComputedStyle(inside.body).fontFamily, first: shown() }};
  inside.querySelector("[data-show=all]")?.click();
  found.all = shown();
  document.querySelector("pre").textContent = JSON.stringify(found);
}};
</script>"""


def look(text: str, width: int, folder: Path) -> tuple[dict[str, Any], str]:
    """What the browser measured in a frame ``width`` px wide, and what it complained about."""
    page = folder / "wrapper.html"
    page.write_text(WRAPPER.format(width=width, page=html.escape(text)), encoding="utf-8")
    flags = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-sync --no-first-run"
    command = [str(CHROMIUM), *flags.split(), "--enable-logging=stderr", "--virtual-time-budget=4000"]
    command += [f"--user-data-dir={folder / 'profile'}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = re.search(r"<pre>(\{.*?\})</pre>", done.stdout)
    assert found, done.stderr[-2000:]
    measured: dict[str, Any] = json.loads(html.unescape(found[1]))
    return measured, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


@pytest.mark.parametrize("width", [400, 1000])
def test_the_page_fits_its_width(made: Any, tmp_path: Path, width: int) -> None:
    measured, complaints = look(render(*made), width, tmp_path)
    assert measured["width"] <= width
    assert measured["height"] > 2000
    assert "system-ui" in measured["family"]
    assert complaints == ""


def test_long_hostile_names_fit_too(make_study: Any, tmp_path: Path) -> None:
    measured, complaints = look(render(*make_study(prefix="<b>&" + "very_long_name_" * 6)), 400, tmp_path)
    assert measured["width"] <= 400
    assert complaints == ""


def test_the_switch_shows_one_outcome_and_then_all(made: Any, tmp_path: Path) -> None:
    measured, _ = look(render(*made), 1000, tmp_path)
    assert (measured["first"], measured["all"]) == (4, 12)


@pytest.mark.parametrize("width", [400, 1200])
def test_thirty_indicators_fit(rich: Any, tmp_path: Path, width: int) -> None:
    text = render(*rich)
    unfolded = text.replace('class="more" id="further', 'class="more" checked id="further')
    folded, _ = look(text, width, tmp_path)
    opened, complaints = look(unfolded, width, tmp_path)
    assert opened["width"] <= width
    assert opened["height"] > folded["height"] + 500
    assert complaints == ""


def test_thirty_indicators_with_long_names_fit_too(make_study: Any, tmp_path: Path) -> None:
    long = make_study(prefix="ppl_sc(0.5,8)_very_long_name_" * 3, further=(".bits_per_byte@facts", ".x" * 60))
    measured, complaints = look(render(*long), 400, tmp_path)
    assert measured["width"] <= 400
    assert complaints == ""
