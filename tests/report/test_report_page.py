"""The page: whole, self-contained, escaped, stable, and content with what is missing."""

from __future__ import annotations

import copy
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ptp_core.report.page import render, write_report
from ptp_core.report.scatter import scatters_of
from ptp_core.report.study import read_study

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=y>&{{ 7 * 7 }}\u202e"
SECTIONS = ("verdict", "ranking", "indicators", "scatter", "curves", "made", "glossary")
FETCHING = {"src", "href", "srcset", "data", "action", "poster", "xlink:href", "formaction", "background"}
VOID = {"meta", "link", "br", "wbr", "input", "img", "hr"}


class Page(HTMLParser):
    """Tags, attributes, ids and text of a page; refuses tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] != ["script"]:
            self.text.append(data)

    @property
    def ids(self) -> list[str]:
        return [value for _, name, value in self.attributes if name == "id"]

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


def test_every_section_is_there_in_order(made: Any) -> None:
    ids = [name for name in Page(render(*made)).ids if name in SECTIONS]
    assert ids == list(SECTIONS)


def test_the_verdict_leads(made: Any) -> None:
    selection = made[0]
    words = Page(render(*made)).words
    assert words.index(selection["verdict"]["headline"]) < words.index("How well each indicator")
    assert all(sentence in words for sentence in (*selection["verdict"]["details"], *selection["warnings"]))


def test_nothing_is_fetched(made: Any) -> None:
    text = render(*made)
    page = Page(text)
    links = [value for _, name, value in page.attributes if name in FETCHING]
    assert links
    assert all(link.startswith(("#", "./", "data:,")) for link in links)
    # What the libraries of the linked chart hold is only forbidden to run: the browser test looks at that.
    own = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert "url(" not in own
    assert "@import" not in own
    assert not {"iframe", "object", "embed", "base", "form"} & set(page.tags)


def test_the_browser_is_told_to_fetch_nothing(made: Any) -> None:
    policy = next(v for _, _, v in Page(render(*made)).attributes if v.startswith("default-src"))
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert "unsafe" not in policy


def test_hostile_names_stay_text(make_study: Any) -> None:
    plain = Page(render(*make_study(seed=3)))
    hostile = Page(render(*make_study(seed=3, prefix=HOSTILE)))
    assert sorted(hostile.tags) == sorted(plain.tags)
    assert {name for _, name, _ in hostile.attributes} == {name for _, name, _ in plain.attributes}
    assert "alert('x')" in hostile.words
    assert "{{ 7 * 7 }}" in hostile.words


@pytest.mark.parametrize("path", ["javascript:alert(1)", "//host.example/x", "https://host.example", 'a"b<c'])
def test_a_link_cannot_leave_the_folder(made: Any, path: str) -> None:
    from dataclasses import replace

    selection, table, run = made
    page = Page(render(selection, table, replace(run, links={"it": path})))
    href = next(v for tag, name, v in page.attributes if tag == "a" and name == "href" and not v.startswith("#"))
    assert href.startswith("./")
    assert ":" not in href


def test_the_same_study_gives_the_same_bytes(make_study: Any) -> None:
    assert render(*make_study()) == render(*make_study())


def test_ids_are_unique(made: Any) -> None:
    ids = Page(render(*made)).ids
    assert len(ids) == len(set(ids))


def test_nulls_become_dashes(made: Any) -> None:
    selection, table, run = copy.deepcopy(made)
    selection["primary"]["indicator"] = None
    for block in selection["outcomes"].values():
        block["seed_sd"] = None
        block["best"]["probability_best"] = None
        for row in block["ranking"]:
            row["stderr"] = row["borda"] = row["predicted_rank"] = None
        for row in block["indicators"].values():
            row.update(accuracy=None, ci95=None, p=None, p_holm=None, tau_b=None, rank_of_best=None, regret_at_1=None)
    page = Page(render(selection, table, run))
    assert "None" not in page.words
    assert "nan" not in page.words
    assert "Predicted rank" not in page.words.split("How to read this page")[1].split("Pairwise")[0]


def test_nan_reads_like_null(made: Any) -> None:
    selection, table, run = copy.deepcopy(made)
    block = next(iter(selection["outcomes"].values()))
    block["ranking"][-1]["value"] = float("nan")
    next(iter(block["indicators"].values()))["accuracy"] = float("nan")
    assert "nan" not in Page(render(selection, table, run)).words.lower().split()


def test_a_selection_of_almost_nothing_still_makes_a_page(made: Any) -> None:
    words = Page(render({"study": "bare", "outcomes": {"o": {}}}, made[1].iloc[:0], None)).words
    assert "No verdict" in words
    assert "None" not in words


def test_an_analysis_only_study_says_that_nothing_was_trained(made: Any) -> None:
    page = Page(render(made[0], made[1], None))
    assert "Nothing was trained here" in page.words
    assert "curves" not in page.ids


def test_a_long_ranking_folds_and_shows_the_whole_field(make_study: Any) -> None:
    page = Page(render(*make_study(n_mixtures=12)))
    assert "show the other 28 variants in the table" in page.words
    assert sum(value.strip() == "more" for tag, name, value in page.attributes if (tag, name) == ("tr", "class")) == 84


@pytest.mark.parametrize("size", [{"n_mixtures": 1, "n_outcomes": 1, "n_indicators": 1}, {"n_mixtures": 2}])
def test_small_studies_have_pages_too(make_study: Any, size: dict[str, int]) -> None:
    assert "How to read this page" in render(*make_study(**size))


def test_the_largest_study_stays_within_five_megabytes(make_study: Any) -> None:
    made = make_study(n_mixtures=50, n_outcomes=10, n_indicators=15, prefix="a-long-name-of-forty-characters-or-more/")
    text = render(*made)
    assert len(text.encode()) < 5e6
    assert "Not drawn, to keep the page light" in text


def test_a_usual_study_renders_within_five_seconds(make_study: Any) -> None:
    made = make_study(n_mixtures=13)
    start = time.process_time()  # of all threads: other jobs of the machine do not count
    render(*made)
    assert time.process_time() - start < 5


def test_writing_replaces_the_file_in_one_step(made: Any, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.html"
    write_report(path, *made)
    write_report(path, *made)
    assert path.read_text(encoding="utf-8") == render(*made)
    assert [child.name for child in path.parent.iterdir()] == ["report.html"]


def test_a_failed_rendering_keeps_the_old_page(made: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(KeyError):
        write_report(path, made[0], made[1].drop(columns="kind"), None)
    assert path.read_text() == "old"


def test_a_name_that_is_not_unicode_is_still_written(made: Any, tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", {**made[0], "study": "broken \udc80"}, made[1], None)
    assert b"broken ?" in (tmp_path / "report.html").read_bytes()


def test_many_details_and_warnings_fold(made: Any) -> None:
    selection = {**made[0], "warnings": [f"warning {n}." for n in range(9)]}
    page = Page(render(selection, made[1], None))
    assert "4 more" in page.words
    assert all(f"warning {n}." in page.words for n in range(9))


def test_what_the_analysis_writes_can_be_shown(made: Any) -> None:
    analysis = pytest.importorskip("ptp_core.predict.analysis")
    from ptp_core.spec.select import Select

    selection = analysis.analyze(made[1], Select(bootstraps=100, permutations=100, splits=2), "real")
    words = Page(render(selection, made[1], made[2])).words
    assert " ".join(selection["verdict"]["headline"].split()) in words
    assert "None" not in words


def test_further_quantities_stand_folded_under_their_indicator(rich: Any) -> None:
    page = Page(render(*rich))
    rows = [value.split() for tag, name, value in page.attributes if (tag, name) == ("tr", "class")]
    titles = [value for tag, name, value in page.attributes if (tag, name) == ("th", "title")]
    assert "show the 24 further quantities of these indicators" in page.words  # 25, and one of them is claimed
    assert sum(row == ["further", "more"] for row in rows) == len(titles) == 24 + 24
    assert titles.count("ppl_clm.bits_per_byte@facts") == 2
    assert "Headline indicators are tested together, their p corrected by Holm." in page.words
    assert "Learning to compare from the 6 headline indicators" in page.words


def test_a_few_further_quantities_are_open(make_study: Any) -> None:
    page = Page(render(*make_study(n_indicators=3, further=(".margin",))))
    assert "further quantities of these indicators are not drawn" in page.words
    assert "show the 3 further" not in page.words


def test_signal_to_noise_stands_beside_the_accuracy_with_a_dash_where_it_is_not_known(rich: Any) -> None:
    words = Page(render(*rich)).words
    assert "SNR check\u00adpoints" in words
    assert "A dash: not known; it takes three checkpoints in the last fifth of a training" in words
    assert "SNR items" not in words  # no standard errors in this table
    assert "SNR over seeds" in words
    nothing = copy.deepcopy(rich[0])
    for entry in nothing["noise"]["indicators"].values():
        entry.update(snr_checkpoints=None, snr_items=None)
    assert "Signal-to-noise is not known here" in Page(render(nothing, *rich[1:])).words
    assert "Signal-to-noise is not known here" not in Page(render({**rich[0], "noise": {}}, *rich[1:])).words


def test_only_headlines_are_drawn_and_a_dozen_of_them_at_most(rich: Any, make_study: Any) -> None:
    scatter = render(*rich).partition('<section id="scatter">')[2].partition("</section>")[0]
    assert scatter.count('class="panel') == 6 + 6 + 2  # and two grids of them
    many = make_study(n_outcomes=1, n_indicators=20)
    assert len(scatters_of(read_study(*many[:2]), read_study(*many[:2]).outcomes[0], 10**6).panels) == 12


def test_a_long_warning_with_markup_and_a_path_stays_one_readable_line(made: Any) -> None:
    from dataclasses import replace

    text = "mine failed: ValueError: '<b>\"x\"</b>' & more in /a/" + "deep/" * 60 + "mine.py:12"
    page = Page(render(made[0], made[1], replace(made[2], warnings=[text])))
    assert text in page.words
    assert "b" not in page.tags[: page.tags.index("nav")]


@pytest.mark.parametrize("end", [".a", "@b", ".c@d", '."e', ".<f>", "..", "@", ".\u202e"])
def test_odd_quantities_make_whole_pages(make_study: Any, end: str) -> None:
    page = Page(render(*make_study(prefix="ppl_sc(0.5,8) ", further=(end,))))
    assert len(page.ids) == len(set(page.ids))
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in page.ids)
