"""What an indicator has to beat: chance, the settings, a flipped loss, a small scale, a fine-tune on few examples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from ptp_core.predict.case import Case
from ptp_core.predict.judge.claims import Claims
from ptp_core.predict.judge.ridge import ridge_prediction
from ptp_core.predict.judge.singles import Predictor, counted, score_predictors
from ptp_core.predict.judge.terms import Codes, Terms
from ptp_core.predict.learn.features import configuration_columns
from ptp_core.predict.quantities import Floats
from ptp_core.predict.splits import Split, splits_of
from ptp_core.spec.select import Select
from ptp_core.stats.pairs import null_sd, pairwise_accuracy
from ptp_core.stats.splits import corrected_mean

Block = dict[str, Any]
Single = Mapping[str, Any]

LOSS = re.compile(r"(?:^|[^a-z])(?:ppl|loss|perplexity)(?:$|[^a-z])", re.IGNORECASE)
"""Names of numbers that say how badly text is predicted."""


def baselines(
    case: Case,
    claims: Claims,
    terms: Terms,
    indicators: Mapping[str, Single],
    configuration: Mapping[str, Single],
    early: Mapping[str, Floats],
) -> list[Block]:
    """Every baseline of the outcome, kinds in the order of this page; the blocks of singles are those of ``judge``.

    ``early`` is ``early_of``: name → (n,) goodness at a smaller scale or budget, NaN where not known.
    """
    settings = [_entry(name, "setting", single, "larger is better") for name, single in configuration.items()]
    headline = {name: indicators[name] for name in claims.indicators}
    tuned = {name: single for name, single in headline.items() if name.startswith("tuned_")}
    return [
        _chance(terms),
        *settings,
        *_words(case, terms.select),
        *_all_settings(case, terms.select),
        *_flipped(case, headline, terms),
        *_smallest(early, terms),
        *(_entry(name, "tiny_finetune", single, "fine-tuned on a few examples") for name, single in tuned.items()),
    ]


def _entry(name: str, kind: str, single: Single, note: str) -> Block:
    kept = {key: single[key] for key in ("accuracy", "ci95", "p", "n_variants", "n_pairs")}
    return {"name": name, "kind": kind, **kept, "note": note}


def _chance(terms: Terms) -> Block:
    """Chance is known exactly; the note says how far an unrelated indicator strays from it."""
    from scipy.stats import norm

    n, confidence = len(terms.outcome), terms.select.confidence
    reach = float(norm.ppf((1 + confidence) / 2)) * null_sd(n)
    n_pairs = pairwise_accuracy(np.zeros(n), terms.outcome).n_pairs
    return {
        "name": "chance",
        "kind": "chance",
        "accuracy": 0.5,
        "ci95": [0.5, 0.5],
        "p": None,
        "n_variants": n,
        "n_pairs": n_pairs,
        "note": f"an indicator unrelated to the outcome falls within {max(0.0, 0.5 - reach):.2f} and "
        f"{min(1.0, 0.5 + reach):.2f} in {confidence:.0%} of studies of {n} variants",
    }


def _words(case: Case, select: Select) -> Iterator[Block]:
    """Each setting that is a word: a word or blank by the mean of its training variants, a new one by that of all."""
    for name, words in case.words.items():
        codes = np.unique(np.array(words, dtype=object).astype(str), return_inverse=True)[1].astype(np.int64)
        if 1 < codes.max() + 1 < len(words):
            yield _on_splits(name, "word", "mean outcome of its training variants", case, select, _group_means(codes))


def _group_means(codes: Codes) -> Callable[[Floats, Split], Floats]:
    def predict(outcome: Floats, split: Split) -> Floats:
        train, test = split
        size = int(codes.max()) + 1
        counts = np.bincount(codes[train], minlength=size)
        sums = np.bincount(codes[train], weights=outcome[train], minlength=size)
        means = np.where(counts > 0, sums / np.maximum(counts, 1), outcome[train].mean())
        return np.asarray(means[codes[test]])

    return predict


def _all_settings(case: Case, select: Select) -> Iterator[Block]:
    columns = configuration_columns(case)
    if columns.shape[1]:
        note = "ridge regression on all settings, its penalty by leave-one-out on the training side"
        yield _on_splits(
            "all settings", "settings", note, case, select, lambda y, split: ridge_prediction(columns, y, split)
        )


def _on_splits(
    name: str, kind: str, note: str, case: Case, select: Select, predict: Callable[[Floats, Split], Floats]
) -> Block:
    """Mean accuracy on the test sides of the random splits, with Nadeau and Bengio's interval and test against 1/2.

    ``n_pairs`` is the mean number of judged pairs of a test side.
    """
    splits, outcome = splits_of(len(case.variants), select), case.goodness
    found = [pairwise_accuracy(predict(outcome, split), outcome[split[1]]) for split in splits]
    accuracies = np.array([pairs.accuracy for pairs in found])
    sizes = {"n_train": len(splits[0][0]), "n_test": len(splits[0][1])}
    mean = corrected_mean(accuracies, **sizes, confidence=select.confidence)
    low, high = mean.interval
    return {
        "name": name,
        "kind": kind,
        "accuracy": mean.mean,
        # The t interval knows no bounds, an accuracy does.
        "ci95": [float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))],
        "p": corrected_mean(accuracies - 0.5, **sizes).p,
        "n_variants": len(outcome),
        "n_pairs": round(float(np.mean([pairs.n_pairs for pairs in found]))),
        "note": f"{note}; trained on {sizes['n_train']} variants and judged on the other {sizes['n_test']}, "
        f"{len(splits)} times",
    }


def _flipped(case: Case, headline: Mapping[str, Single], terms: Terms) -> Iterator[Block]:
    """Perplexities and losses read the other way round: worse at the text, better after fine-tuning.

    Interval and test are those of the indicator, mirrored.
    """
    for name, single in headline.items():
        if single["higher_is_better"] and not LOSS.search(name):
            continue
        goodness = case.indicators[name].goodness
        known = np.isfinite(goodness)
        accuracy = counted(-goodness[known], terms.outcome[known], terms.select.convention)[0]
        low, high = single["ci95"]
        mirrored = {**single, "accuracy": accuracy, "ci95": [1 - high, 1 - low]}
        yield _entry(f"{name} flipped", "flipped", mirrored, f"{name} the other way round: the worse value first")


def _smallest(early: Mapping[str, Floats], terms: Terms) -> Iterator[Block]:
    note = "the order at the smallest scale or budget, as DataDecide (Magnusson et al. 2025)"
    known = {name: Predictor(values, True) for name, values in early.items() if np.isfinite(values).sum() > 1}
    for name, single in score_predictors(known, terms).items():
        yield _entry(name, "smallest", single, note)
