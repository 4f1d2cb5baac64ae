"""What every page of a study is made with: the templates, the policy of the browser, and the way onto the disk."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ptp_core.files import write_atomically
from ptp_core.report.making import relative_href
from ptp_core.report.numbers import finite, short

HERE = Path(__file__).parent
OPEN_SENTENCES = 5
"""Details and warnings beyond these are folded away."""


def fill(
    template: str,
    views: Mapping[str, Any],
    *,
    styles: Sequence[str] = ("style.css",),
    further_scripts: Sequence[str] = (),
) -> str:
    """The page of a template that extends ``base.html``, filled with ``views``.

    ``styles`` are files beside this one; ``further_scripts`` the texts of scripts that the template adds: the policy
    lets the browser run these and ``page.js``, and fetch nothing.
    """
    style, script = "\n".join(map(read, styles)), read("page.js")
    page = environment().get_template(template)
    return page.render(
        **{"siblings": (), "own_title": "", "switch": (), "switch_label": "", "switch_all": "", **views},
        n_open=OPEN_SENTENCES,
        # Our own files, never user text: not escaped.
        style=Markup(style),
        script=Markup(script),
        policy=policy(style, [script, *further_scripts]),
    )


def write_page(path: Path, text: str) -> None:
    """Write the page to ``path``; a reader sees the old page or the new one, never half of one."""
    # A lone surrogate in a name cannot be written as UTF-8; it becomes a question mark.
    write_atomically(path, text.encode("utf-8", errors="replace"))


def links_of(siblings: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """Titles and links of a study's pages, if it has several; links can only lead to files beside the page."""
    pages = siblings or {}
    order = sorted(pages, key=lambda title: (pages[title] != "report.html", title != "Scaling"))
    return tuple((title, relative_href(pages[title])) for title in order) if len(pages) > 1 else ()


def confidence_words(value: object) -> str:
    """``95 % `` in front of the word *intervals*; nothing where the analysis does not say."""
    share = finite(value)
    return "" if share is None else f"{short(100 * share)} % "


def environment() -> Environment:
    """Templates that escape everything and refuse names nobody has set."""
    made = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["unbroken"] = _unbroken
    made.filters["soft"] = _soft
    return made


def read(name: str) -> str:
    """The text of a file beside this one."""
    return (HERE / name).read_text(encoding="utf-8")


def policy(style: str, scripts: Sequence[str]) -> str:
    """A content security policy under which the browser fetches nothing and runs only what we wrote."""
    return f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {' '.join(map(_hash, scripts))}"


def _unbroken(sentence: str) -> str:
    """The sentence with no line ending between a number and its percent sign, nor inside ``n = 12``."""
    return str(sentence).replace(" %", "\u00a0%").replace("n = ", "n\u00a0=\u00a0")


def _soft(name: str) -> Markup:
    """A name that may break after the marks that join its words, rather than inside one of these."""
    parts = re.split(r"(?<=[/_+.:-])(?=\w)", str(name))
    return Markup("<wbr>").join(escape(part) for part in parts)


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
