"""The examples in docs/objectives.md are what the code does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ptp_core.draws import Draws
from ptp_core.objectives.batch import IGNORE
from ptp_core.objectives.mix import make_batch, targets_in
from ptp_core.spec.objective import normalise, terms
from ptp_core.special import SpecialTokens
from ptp_core.training.loss import prefix_mask

PAGE = (Path(__file__).parents[2] / "docs" / "objectives.md").read_text(encoding="utf-8")
PAPER = ("clm", "plm", "sc", "sc+clm", "ul2", "ul2r", "ul2r+clm")
SPECIAL = SpecialTokens(pad=0, bos=None, eos=1, first_sentinel=2, sentinels=4, modes={"r": 6, "s": 7, "x": 8})
TEXTS = {0: "_", 1: "■", 2: "①", 3: "②", 4: "③", 5: "④", 6: "ⓡ", 7: "ⓢ", 8: "ⓧ", IGNORE: "·"}
FIRST_LETTER, LENGTH = 9, 12
ROW = np.arange(FIRST_LETTER, FIRST_LETTER + LENGTH + 1)[None]


def table(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    lines = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0].splitlines()
    rows = [line.strip("|").split("|") for line in lines if line.startswith("|")][2:]
    return [[cell.strip().strip("`") for cell in row] for row in rows]


EXAMPLES = table("Examples")


def spelled(tokens: np.ndarray) -> str:
    return " ".join(TEXTS.get(token) or chr(ord("a") + token - FIRST_LETTER) for token in tokens.tolist())


def seen(prefix: np.ndarray) -> list[int]:
    """How many first positions each position sees; what it sees is nothing else."""
    mask = prefix_mask(torch.from_numpy(prefix), LENGTH)
    sees = torch.ones(LENGTH, LENGTH).tril().bool() if mask is None else mask[0, 0]
    counts: list[int] = sees.sum(dim=1).tolist()
    assert all(bool(sees[t, :n].all()) for t, n in enumerate(counts))
    return counts


@pytest.mark.parametrize(("objective", "number", "term", "inputs", "targets", "sees"), EXAMPLES)
def test_an_example_is_what_the_code_makes_of_the_row(
    objective: str, number: str, term: str, inputs: str, targets: str, sees: str
) -> None:
    draws = Draws(0, np.array([int(number)]))
    batch = make_batch(objective, ROW, draws, SPECIAL)
    assert spelled(batch.inputs[0]) == inputs
    assert spelled(batch.targets[0]) == targets
    assert " ".join(map(str, seen(batch.prefix))) == sees
    assert targets_in(objective, draws, LENGTH, SPECIAL).tolist() == [LENGTH - targets.split().count("·")]
    alone = make_batch(term, ROW, draws, SPECIAL)
    assert all(np.array_equal(x, y) for x, y in zip(batch, alone, strict=True))


def test_every_objective_of_the_paper_has_an_example_of_each_of_its_terms() -> None:
    shown = {(objective, term) for objective, _, term, *_ in EXAMPLES}
    assert {(objective, str(term)) for objective in PAPER for term in terms(objective)} <= shown


def test_the_terms_of_the_page_are_those_of_the_code() -> None:
    rows = table("The objectives of the paper")
    assert [objective for objective, *_ in rows] == list(PAPER)
    for objective, _, written, _ in rows:
        assert normalise(written) == objective
        assert len(terms(objective)) == written.count("+") + 1


def test_what_the_page_says_is_the_same_is_the_same() -> None:
    rows = table("How they are written")
    assert len(rows) > 4
    for written, meant, _ in rows:
        assert normalise(written) == meant
