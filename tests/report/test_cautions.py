"""Warnings as a page shows them."""

from __future__ import annotations

from ptp_core.report.cautions import cautions_of
from ptp_core.report.scaling.page import render_scaling
from tests.report.pages import without_folds, words_of

LOOSE = "no two starts of the fit end alike: "
NAMES = [f"downstream/task_{at} (flp+exponential)" for at in range(1, 9)]


def test_fits_with_several_solutions_are_put_plainly_with_three_names() -> None:
    caution = cautions_of([f"{LOOSE}{', '.join(NAMES)} and 4 more"])[0]
    assert caution.words == (
        "12 fits have several nearly equal solutions; their predictions are less certain than their bands say: "
        f"{', '.join(NAMES[:3])} and 9 more"
    )
    assert caution.folded == (*NAMES[3:], "and 4 more that the analysis does not name")


def test_the_group_that_a_warning_is_of_stays_in_front() -> None:
    caution = cautions_of([f"rpj: {LOOSE}loss (flp)"])[0]
    assert caution.words == (
        "rpj: 1 fit has several nearly equal solutions; its prediction is less certain than its band says: loss (flp)"
    )
    assert caution.folded == ()


def test_any_long_list_is_counted_and_folded() -> None:
    caution = cautions_of(["diverged and left out: a, b, c, d, e and f"])[0]
    assert caution.words == "diverged and left out (6): a, b, c and 3 more"
    assert caution.folded == ("d", "e", "f")


def test_short_lists_and_sentences_stay_as_they_are() -> None:
    plain = [
        "left out: a, b and c",
        "Only five sizes were fitted.",
        "Look: this, that, and the other, which is, too.",
        "",
    ]
    assert [caution.words for caution in cautions_of(plain)] == plain


def test_the_page_folds_the_rest() -> None:
    text = render_scaling({"study": "s", "warnings": [LOOSE + ", ".join(NAMES)]})
    open_words = words_of(without_folds(text))
    assert "8 fits have several nearly equal solutions" in open_words
    assert NAMES[2] in open_words
    assert NAMES[3] not in open_words
    assert NAMES[7] in words_of(text)
    assert LOOSE not in words_of(text)
