"""Free answers: what counts as right, and how nearly right an answer is."""

from __future__ import annotations

import pytest

from ptp_core.measure.text_metrics import (
    exact_match,
    first_line,
    normalise,
    process_results,
    rouge_l,
    token_f1,
)
from ptp_core.spec.scores import ANSWER_METRICS


@pytest.mark.parametrize(
    ("said", "answers", "score"),
    [
        ("The Cat!", ["a cat"], 1.0),
        ("cat", ["dog", "cat"], 1.0),
        ("the cats", ["cat"], 0.0),
        # Nothing is left of these but what they are.
        ("the", ["a"], 0.0),
        ("?", ["?"], 1.0),
        ("", ["cat"], 0.0),
    ],
)
def test_exact_match_looks_past_case_articles_and_punctuation(said: str, answers: list[str], score: float) -> None:
    assert exact_match(said, answers) == score


@pytest.mark.parametrize(
    ("said", "answer", "score"),
    [("the red cat", "red cat", 1.0), ("red", "red cat", 2 / 3), ("red red", "red cat", 0.5), ("dog", "cat", 0.0)],
)
def test_f1_is_that_of_bags_of_words(said: str, answer: str, score: float) -> None:
    assert token_f1(said, answer) == pytest.approx(score)


@pytest.mark.parametrize(
    ("said", "answer", "score"),
    [
        ("police kill the gunman", "police killed the gunman", 0.75),
        ("the gunman kill police", "police kill the gunman", 0.5),
    ],
)
def test_rouge_l_is_the_example_of_its_paper(said: str, answer: str, score: float) -> None:
    """Lin 2004, section 3.1: candidates of equal length, so recall, precision and F-measure are one number."""
    assert rouge_l(said, answer) == pytest.approx(score)


def test_an_answer_ends_with_its_line_or_where_a_new_question_begins() -> None:
    assert first_line(" red \nblue") == "red"
    assert first_line("red question : why") == "red"
    assert first_line("red <extra_id_0> blue") == "red"


def test_of_several_right_answers_the_nearest_counts() -> None:
    found = process_results({"answers": ["a blue dog", "the red cat"]}, [" red cat\nquestion : no"])
    assert tuple(found) == ANSWER_METRICS
    assert found["exact_match"] == found["f1"] == 1.0
    assert found["rouge_l"] == pytest.approx(0.8)


def test_text_of_nothing_but_articles_is_kept() -> None:
    assert normalise("The A") == "the a"
