"""Free answers against the right ones: exact match, token F1 and ROUGE-L, all from 0 to 1, higher is better."""

from __future__ import annotations

import functools
import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any


def process_results(doc: dict[str, Any], results: Sequence[str]) -> dict[str, float]:
    """What lm-evaluation-harness asks of a task: the metrics of one document's answer (the first of ``results``)."""
    said = first_line(results[0])
    answers = [str(answer) for answer in doc["answers"]]
    return {
        "exact_match": exact_match(said, answers),
        "f1": max(token_f1(said, answer) for answer in answers),
        "rouge_l": max(rouge_l(said, answer) for answer in answers),
    }


def exact_match(said: str, answers: Sequence[str]) -> float:
    """1.0 if the answer equals one of the right ones after ``normalise`` (Rajpurkar et al. 2016)."""
    return float(any(normalise(said) == normalise(answer) for answer in answers))


def token_f1(said: str, answer: str) -> float:
    """F1 of the bags of normalised words (Rajpurkar et al. 2016)."""
    said_words, right_words = normalise(said).split(), normalise(answer).split()
    common = sum((Counter(said_words) & Counter(right_words)).values())
    return 2 * common / (len(said_words) + len(right_words)) if common else 0.0


def rouge_l(said: str, answer: str) -> float:
    """F-measure of the longest common subsequence of words (Lin 2004), as ``rouge_score`` computes it."""
    return float(_rouge()(answer, said)["rougeL"].fmeasure)


@functools.cache
def _rouge() -> Callable[[str, str], Any]:
    # Imported here: it brings nltk along, which takes most of a second.
    from rouge_score.rouge_scorer import RougeScorer

    score: Callable[[str, str], Any] = RougeScorer(["rougeL"]).score
    return score


def first_line(text: str) -> str:
    """What is said up to the end of the line, or up to where the model goes on to ask a question of its own."""
    return re.split(r"\n|<\w+>|###|question :", text.strip())[0].strip()


def normalise(text: str) -> str:
    """Lower case, without punctuation, articles and extra spaces; text of nothing but these is kept as it is."""
    lower = text.lower()
    bare = lower.translate(str.maketrans("", "", string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", bare).split()) or lower.strip()
