"""512 published mixtures at 1M parameters, and the order of 256 others at 60M (RegMix, Liu et al. 2024)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ptp_core.errors import Where
from ptp_core.predict.scaling.mixture.law import mixture_law
from ptp_core.predict.scaling.points import Points, matching, points_of
from ptp_core.spec.measurements import WideTable
from ptp_core.spec.scaling import Scaling
from ptp_core.table.wide import read_wide

SPEC = Path(__file__).parents[4] / "specs" / "regmix.yaml"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("PTP_DATA_ROOT" not in os.environ, reason="needs the published tables (PTP_DATA_ROOT)"),
]


@pytest.fixture(scope="module")
def scaling() -> Scaling:
    return Scaling(**yaml.safe_load(SPEC.read_text(encoding="utf-8"))["scaling"])


@pytest.fixture(scope="module")
def points(scaling: Scaling) -> Points:
    (mapping,) = yaml.safe_load(SPEC.read_text(encoding="utf-8"))["measurements"]
    return points_of(read_wide(WideTable(**mapping), SPEC.parent, Where(SPEC)), scaling)


@pytest.fixture(scope="module")
def block(points: Points, scaling: Scaling) -> dict[str, Any]:
    fitted = matching(scaling.fit, points.runs, "scaling.fit")
    return mixture_law(points, scaling, fitted, matching(scaling.hold_out, points.runs, "scaling.hold_out"))[0]


def of(block: dict[str, Any], loss: str) -> dict[str, Any]:
    return next(domain for domain in block["domains"] if domain["loss"] == loss)


def test_no_mixture_that_is_predicted_was_fitted(points: Points) -> None:
    mixtures = {run: tuple(share.round(4)) for run, share in zip(points.runs, points.shares, strict=True)}
    fitted = {mix for run, mix in mixtures.items() if run.startswith("train_1m-")}
    asked = {mix for run, mix in mixtures.items() if run.startswith("test_60m-")}
    assert (len(fitted), len(asked), len(fitted & asked)) == (512, 256, 0)


def test_sizes_are_read_from_their_labels(points: Points) -> None:
    assert sorted(set(points.params.tolist())) == [1e6, 60e6]
    assert set(points.tokens.tolist()) == {1e9}


def test_the_order_on_pile_cc_is_predicted_far_better_than_by_a_line_and_as_well_as_by_trees(
    block: dict[str, Any],
) -> None:
    pile = of(block, "loss_pile_cc")
    assert (block["n_fit"], block["n_held_out"], pile["n"]) == (512, 256, 256)
    assert pile["baselines"]["linear"]["spearman"] == pytest.approx(0.893, abs=0.0005)
    assert pile["baselines"]["trees"]["spearman"] == pytest.approx(0.988, abs=0.002)
    assert pile["spearman"] == pytest.approx(0.990, abs=0.001)
    assert pile["ci95"][0] > pile["baselines"]["linear"]["spearman"]


def test_the_mean_order_over_thirteen_domains_is_predicted_far_better_than_by_a_line_and_as_well_as_by_trees(
    block: dict[str, Any],
) -> None:
    assert len(block["domains"]) == 13
    assert block["mean"]["baselines"]["linear"] == pytest.approx(0.829, abs=0.0005)
    assert block["mean"]["baselines"]["trees"] == pytest.approx(0.985, abs=0.002)
    assert block["mean"]["spearman"] == pytest.approx(0.988, abs=0.001)
    for domain in block["domains"]:
        assert domain["spearman"] > domain["baselines"]["linear"]["spearman"] + 0.05


def test_fitted_at_one_size_the_law_claims_no_level_at_another(block: dict[str, Any]) -> None:
    assert of(block, "loss_pile_cc")["relative_error"] > 0.2
    assert all(domain["inside_band"] is None for domain in block["domains"])
    assert any("do not know what compute does" in sentence for sentence in block["words"])


def test_for_the_loss_of_a_domain_mostly_that_domain_is_best(block: dict[str, Any]) -> None:
    best = {entry["target"]: entry for entry in block["best"]}
    for name in ("github", "pile_cc", "freelaw", "stackexchange", "pubmed_central"):
        shares = best[f"loss_{name}"]["shares"]
        assert max(shares, key=lambda source: shares[source]) == name
        assert sum(shares.values()) == pytest.approx(1)
    mean = best["mean of the losses"]
    assert max(mean["shares"].values()) < 0.3
    assert mean["predicted"] < mean["among_fitted"]["actual"]
    assert np.isfinite([entry["predicted"] for entry in block["best"]]).all()


def test_the_picture_is_a_slice_through_two_of_the_seventeen_sources(block: dict[str, Any]) -> None:
    surface = block["surface"]
    assert (surface["kind"], len(surface["sources"]), len(surface["grid"])) == ("slice", 2, 231)
    assert len(surface["points"]) == 400
