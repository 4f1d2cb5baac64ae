"""The law of the mixture as a whole: known worlds are recovered, and what cannot be fitted is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from ptp_core.errors import UserError
from ptp_core.predict.analysis import json_ready
from ptp_core.predict.scaling.mixture.best import best_mixture
from ptp_core.predict.scaling.mixture.fitting import refuse_unfit
from ptp_core.predict.scaling.mixture.law import mixture_law
from ptp_core.predict.scaling.mixture.laws import MEAN
from ptp_core.predict.scaling.points import Floats, Points
from ptp_core.spec.scaling import Target
from tests.predict.scaling.mixture.worlds import four_sources, make_world, spec_of, two_sources

BUDGETS = np.array([1e18, 3e18, 1e19])


def world(law: str, n: int, seed: int, *, noise: float = 0.01, concentration: float = 1.0) -> Points:
    rng = np.random.default_rng(seed)
    known, sources = (two_sources, 2) if law == "two" else (four_sources, 4)
    shares = rng.dirichlet(np.full(sources, concentration), n)
    return make_world(known, shares, rng.choice(BUDGETS, n), noise=noise, seed=seed)


def split(points: Points, n_fit: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return points.runs[:n_fit], points.runs[n_fit:]


@pytest.mark.slow
@pytest.mark.parametrize("law", ["two", "four"])
def test_new_runs_of_a_known_world_lie_within_their_bands_at_the_nominal_rate(law: str) -> None:
    inside, errors = [], []
    for seed in range(8):
        points = world(law, 140, seed)
        block, _ = mixture_law(points, spec_of(points, restarts=5), *split(points, 40))
        inside.append([d["inside_band"] for d in block["domains"]])
        errors.append([d["relative_error"] for d in block["domains"]])
    # 8 fits × 100 new runs a domain; runs of one fit share its error, hence the room.
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)
    # Noise of 1 % alone makes a mean error of 0.8 %.
    assert 0.0075 < np.mean(errors) < 0.012


@pytest.mark.slow
@pytest.mark.parametrize("law", ["two", "four"])
def test_the_best_mixture_of_a_known_world_is_found(law: str) -> None:
    known, sources = (two_sources, 2) if law == "two" else (four_sources, 4)

    def true_mean(shares: Floats) -> Floats:
        values = known(shares, np.full(len(shares), BUDGETS[-1]))
        return np.asarray(np.mean([values[name] for name in values if name != "acc"], axis=0))

    every = true_mean(np.random.default_rng(0).dirichlet(np.ones(sources), 40_000))
    # Around its minimum a loss is flat, so shares are only known as well as their losses differ.
    little = 0.05 * (np.quantile(every, 0.9) - every.min())
    for seed in range(3):
        points = world(law, 60, seed, noise=0.003)
        block, _ = mixture_law(points, spec_of(points), points.runs, ())
        found = next(b for b in block["best"] if b["target"] == MEAN)
        assert true_mean(np.array([[*found["shares"].values()]]))[0] < every.min() + little
        assert found["band95"][0] < every.min() < found["band95"][1]


@pytest.mark.slow
def test_a_score_is_predicted_from_the_mixture_better_than_by_its_mean() -> None:
    points = world("two", 100, 0, noise=0.005)
    block, _ = mixture_law(points, spec_of(points, restarts=20), *split(points, 40))
    (score,) = block["scores"]
    assert (score["n_fit"], score["n_held_out"]) == (40, 60)
    assert score["relative_error"] < 0.02
    assert score["relative_error"] < score["baselines"]["mean"]["relative_error"] / 2
    assert score["spearman"] > 0.9
    assert 0.85 <= score["inside_band"] <= 1


def test_the_published_form_is_recovered_where_every_share_is_above_zero() -> None:
    rng = np.random.default_rng(0)
    shares = 0.1 + 0.8 * rng.dirichlet(np.ones(2), 40)
    shares /= shares.sum(axis=1, keepdims=True)

    def published(shares: Floats, compute: Floats) -> dict[str, Floats]:
        size = np.log(compute / 1e18)
        return {"code": 2 * np.exp(-0.1 * size) * shares[:, 0] ** -0.02 * shares[:, 1] ** -0.12}

    points = make_world(published, shares, rng.choice(BUDGETS, 40), noise=0.002, seed=0)
    block, _ = mixture_law(points, spec_of(points), *split(points, 40))
    (domain,) = block["domains"]
    assert domain["inner_errors"]["flp-m"] < 1.05 * min(domain["inner_errors"].values())
    if domain["form"] == "flp-m":
        found = block["parameters"]["code"]
        assert (found["b.s0"], found["b.s1"], found["a"]) == pytest.approx((-0.02, -0.12, -0.1), abs=0.01)


@pytest.mark.slow
def test_the_whole_block_is_json_and_its_law_predicts_the_same_when_read_back() -> None:
    points = world("two", 24, 0)
    block, laws = mixture_law(points, spec_of(points), *split(points, 20))
    assert json_ready(block) == json.loads(json.dumps(json_ready(block)))
    read_back = json.loads(json.dumps(laws))
    for entry in block["best"]:
        found = best_mixture(read_back, entry["target"])
        assert found["predicted"] == pytest.approx(entry["predicted"], rel=1e-4)
        assert found["band95"] == pytest.approx(entry["band95"], rel=1e-3)
        assert list(found["shares"].values()) == pytest.approx(list(entry["shares"].values()), abs=5e-3)


def test_more_compute_is_predicted_with_its_reach_stated() -> None:
    points = world("two", 24, 0)
    _, laws = mixture_law(points, spec_of(points), *split(points, 24))
    now, later = best_mixture(laws, "text"), best_mixture(laws, "text", 1e20)
    assert later["predicted"] < now["predicted"]
    assert later["reach"] == pytest.approx(10)
    assert "10 times the largest fitted compute" in later["words"]


def test_runs_of_one_compute_say_which_mixture_is_better_and_nothing_about_more_compute() -> None:
    points = world("two", 60, 0)
    one = points.compute == BUDGETS[0]
    small = tuple(np.array(points.runs)[one])
    large = tuple(np.array(points.runs)[points.compute == BUDGETS[2]])
    block, laws = mixture_law(points, spec_of(points), small, large)
    assert all("a" not in parameters for parameters in block["parameters"].values())
    assert all(d["inside_band"] is None and d["spearman"] > 0.8 for d in block["domains"])
    assert any("do not know what compute does" in sentence for sentence in block["words"])
    assert "the value is that of the fitted runs" in best_mixture(laws, "text", 1e20)["words"]


def test_without_held_out_runs_there_is_a_law_and_no_judgement() -> None:
    points = world("two", 16, 0)
    block, _ = mixture_law(points, spec_of(points), points.runs, ())
    assert (block["n_held_out"], block["held_out_compute"], block["mean"]["spearman"]) == (0, None, None)
    assert block["domains"][0]["n"] == 0
    assert block["domains"][0]["inner_error"] > 0
    assert block["best"][0]["predicted"] > 0


def test_a_score_that_has_not_emerged_gets_no_network() -> None:
    points = world("two", 20, 0)
    spec = spec_of(points).model_copy(update={"targets": {"acc": Target(chance=0.95)}})
    block, _ = mixture_law(points, spec, *split(points, 16))
    assert block["scores"][0]["relative_error"] is None
    assert "acc" not in {entry["target"] for entry in block["best"]}
    assert any(sentence.startswith("No network for acc") for sentence in block["words"])


@pytest.mark.slow
def test_the_order_in_which_runs_are_named_changes_nothing() -> None:
    points = world("two", 20, 0)
    spec = spec_of(points)
    forward = mixture_law(points, spec, *split(points, 16))
    backward = mixture_law(points, spec, tuple(reversed(points.runs[:16])), tuple(reversed(points.runs[16:])))
    assert forward == backward


def test_too_few_runs_are_refused() -> None:
    points = world("four", 6, 0)
    with pytest.raises(UserError, match=r"too few runs .* expected at least 7 for 4 sources, got 6"):
        mixture_law(points, spec_of(points), points.runs, ())


def test_a_source_that_no_fitted_run_has_is_refused_by_name() -> None:
    points = world("four", 20, 0)
    shares = points.shares.copy()
    shares[:, 2] = 0
    empty = replace(points, shares=shares / shares.sum(axis=1, keepdims=True))
    with pytest.raises(UserError, match="no fitted run has any of s2"):
        mixture_law(empty, spec_of(points), empty.runs, ())


def test_one_source_is_no_mixture() -> None:
    points = replace(world("two", 20, 0), shares=np.ones((20, 1)))
    with pytest.raises(UserError, match="one source is no mixture"):
        refuse_unfit(points, ("text",), ("text",))


def test_runs_that_all_have_one_mixture_are_refused() -> None:
    points = replace(world("two", 20, 0), shares=np.full((20, 2), 0.5))
    with pytest.raises(UserError, match="all fitted runs have the same mixture"):
        mixture_law(points, spec_of(points), points.runs, ())


def test_a_loss_that_too_few_runs_have_is_refused_by_name() -> None:
    points = world("two", 20, 0)
    points.values["code"][3:] = np.nan
    with pytest.raises(UserError, match="code: too few fitted runs have this loss"):
        mixture_law(points, spec_of(points), points.runs, ())


def test_a_target_without_a_law_is_refused_with_the_nearest_name() -> None:
    points = world("two", 16, 0)
    _, laws = mixture_law(points, spec_of(points), points.runs, ())
    with pytest.raises(UserError, match='did you mean "text"'):
        best_mixture(laws, "texts")
    with pytest.raises(UserError, match="compute must be above 0"):
        best_mixture(laws, "text", -1)
