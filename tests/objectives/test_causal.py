"""Causal and prefix language modelling, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ptp_core.draws import Draws
from ptp_core.objectives.batch import IGNORE
from ptp_core.objectives.causal import clm, plm

ROW = np.array([[11, 12, 13, 14, 15]])
__ = IGNORE


def test_clm_asks_for_the_next_token_everywhere() -> None:
    batch = clm(ROW)
    assert batch.inputs.tolist() == [[11, 12, 13, 14]]
    assert batch.targets.tolist() == [[12, 13, 14, 15]]
    assert batch.prefix.tolist() == [0]


@pytest.mark.parametrize(("prefix", "targets"), [(1, [12, 13, 14, 15]), (2, [__, 13, 14, 15]), (3, [__, __, 14, 15])])
def test_plm_asks_from_the_last_prefix_position_on(prefix: int, targets: list[int]) -> None:
    found = [plm(ROW, Draws(0, np.array([seed]))) for seed in range(30)]
    mine = [batch for batch in found if batch.prefix.tolist() == [prefix]]
    assert mine, "every length of the prefix occurs"
    assert all(batch.inputs.tolist() == [[11, 12, 13, 14]] for batch in mine)
    assert all(batch.targets.tolist() == [targets] for batch in mine)


def test_plm_prefixes_are_uniform_and_leave_a_target() -> None:
    rows = np.zeros((6000, 8), dtype=np.int64)
    prefix = plm(rows, Draws(0, np.arange(6000))).prefix
    counts = np.bincount(prefix, minlength=8)
    assert counts[0] == counts[7] == 0
    assert np.abs(counts[1:7] - 1000).max() < 4 * np.sqrt(1000)


def test_the_shortest_prefix_may_be_asked_for() -> None:
    prefix = plm(np.zeros((6000, 8), dtype=np.int64), Draws(0, np.arange(6000)), shortest=4).prefix
    assert np.unique(prefix).tolist() == [4, 5, 6]
