"""Indicators that were measured on the items of an outcome: luck with those items is in both."""

from __future__ import annotations

import pandas as pd

from ptp_core.predict.audit.finding import Finding
from ptp_core.predict.quantities import Measured, own_scores
from ptp_core.predict.wording import listed
from ptp_core.table.names import headlines


def shared_items(table: pd.DataFrame, data: Measured) -> list[Finding]:
    """Headline indicators and outcomes of the same task that were scored on the same split of it.

    A task is the same if the names agree, or do without what stands before their first ``_`` (``kshot_boolq`` and
    ``boolq``, ``mean_kshot_cms`` and ``mean_cms``). Where the table names no split for either, an equal number of
    items is taken for the same items. A table that says neither is given the benefit of the doubt.
    """
    scores = own_scores(table)
    seen = {
        kind: {str(name): _seen(rows) for name, rows in scores[scores["kind"] == kind].groupby("name")}
        for kind in ("indicator", "outcome")
    }
    found = []
    for indicator in headlines(data.indicators):
        for outcome in headlines(data.outcomes):
            if _same_task(indicator, outcome):
                found += _shared(indicator, outcome, seen["indicator"][indicator], seen["outcome"][outcome])
    return found


def _seen(rows: pd.DataFrame) -> tuple[frozenset[str], frozenset[int]]:
    """Splits and numbers of items that a number was measured on."""
    return frozenset(rows["split"].dropna()), frozenset(int(n) for n in rows["n_items"].dropna())


def _same_task(indicator: str, outcome: str) -> bool:
    return bool(_tasks(indicator) & _tasks(outcome))


def _tasks(name: str) -> set[str]:
    """The name, and what it may be called without the words for how it was measured."""
    bare = name.removeprefix("mean_")
    kind, _, rest = bare.partition("_")
    # A prefix is dropped only where one is known to stand: arc_easy and piqa_easy are two tasks.
    return {bare, rest} if rest and kind in ("kshot", "tuned", "sft", "ft", "zeroshot", "fewshot") else {bare}


def _shared(
    indicator: str,
    outcome: str,
    before: tuple[frozenset[str], frozenset[int]],
    after: tuple[frozenset[str], frozenset[int]],
) -> list[Finding]:
    splits, sizes = before[0] & after[0], before[1] & after[1]
    if splits:
        why = f"on the split {listed(sorted(splits))}"
    elif not before[0] and not after[0] and sizes:
        why = f"on {listed([str(size) for size in sorted(sizes)])} items each, probably the same"
    else:
        return []
    sentence = (
        f"{indicator} and {outcome} were both scored {why}: luck with these items is in both, "
        "which makes the indicator look better than it is."
    )
    numbers = {"splits": sorted(splits), "n_items": sorted(sizes)}
    return [Finding("shared_items", "warning", sentence, indicators=(indicator,), outcomes=(outcome,), numbers=numbers)]
