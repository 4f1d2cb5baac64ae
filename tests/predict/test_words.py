"""Four indicators of a made-up study, each of a kind of its own, get the right words; so do the audit and the verdict.

The words are kept in ``golden/words.txt``. After a wanted change run this file with ``PTP_WRITE_GOLDEN=1``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ptp_core.predict.analysis import analyze
from ptp_core.spec.select import Primary, Select
from tests.predict.conftest import MakeTable

GOLDEN = Path(__file__).parent / "golden" / "words.txt"
RATES = (1e-4, 2.5e-4, 5e-4, 1e-3)


def constructed(make_table: MakeTable) -> pd.DataFrame:
    """40 variants at four learning rates, which raise the outcome; their skill at equal rate is known to one indicator.

    ``perfect`` orders the outcomes without a fault, and is no linear function of them. ``noise`` knows nothing.
    ``leak`` is the outcome, scaled, at the two high rates, and nothing at the low ones. ``confounded`` knows the rate
    alone.
    """
    rng = np.random.default_rng(3)
    rate = np.repeat(np.arange(4.0), 10)
    outcome = 50 + 4 * rate + rng.normal(scale=2.5, size=40)
    leak = np.where(rate >= 2, 0.5 * outcome + rng.normal(scale=0.02, size=40), rng.uniform(20, 40, size=40))
    return make_table(
        {
            "perfect": list(np.exp((outcome - 50) / 3)),
            "noise": list(rng.normal(size=40)),
            "leak": list(leak),
            "confounded": list(rate + 0.3 * rng.normal(size=40)),
        },
        {"score": [list(value + 0.2 * rng.normal(size=2)) for value in outcome]},
        {"lr": [RATES[int(level)] for level in rate], "mixture": ["web", "web+code", "books", "all"] * 10},
    )


@pytest.fixture(scope="module")
def selection(make_table: MakeTable) -> dict[str, Any]:
    select = Select(primary=Primary(outcome="score"), bootstraps=1000, permutations=2000, splits=5)
    return analyze(constructed(make_table), select, "constructed")


def test_each_indicator_gets_the_word_it_deserves(selection: dict[str, Any]) -> None:
    found = {name: single["verdict"] for name, single in selection["outcomes"]["score"]["indicators"].items()}
    assert found == {"perfect": "better", "noise": "undecided", "leak": "leak", "confounded": "confounded"}


def test_the_audit_names_the_leak_and_the_confound_and_nothing_else_that_is_grave(selection: dict[str, Any]) -> None:
    findings = selection["audit"]["findings"]
    assert [f["indicators"] for f in findings if f["kind"] == "dependence"] == [["leak"]]
    assert {f["factor"] for f in findings if f["kind"] == "confound"} == {"lr"}
    assert {f["kind"] for f in findings if f["severity"] == "grave"} <= {"dependence", "confound"}


def test_the_words_are_the_golden_ones(selection: dict[str, Any]) -> None:
    singles = selection["outcomes"]["score"]["indicators"]
    lines = [f"{name}: {single['verdict']}: {single['words']}" for name, single in singles.items()]
    lines += [f"audit, {finding['severity']}: {finding['sentence']}" for finding in selection["audit"]["findings"]]
    lines += [selection["verdict"]["headline"], *selection["verdict"]["details"]]
    text = "\n".join(lines) + "\n"
    if os.environ.get("PTP_WRITE_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
