"""Checkpoints on the way that are fine-tuned too: their jobs, what they leave alone, and what they cost."""

from __future__ import annotations

from pathlib import Path

from ptp_core.engine.graph import Graph, build
from ptp_core.engine.price import Price, price
from ptp_core.engine.units import Job
from ptp_core.engine.workflow import plan_study
from ptp_core.spec.load import load_study
from tests.spec.texts import edited

SECTION = "seeds: [0, 1]"
WITHOUT = edited(("{tokens: 1M}", "{tokens: 1M, checkpoints: [250k, 500k]}"))


def asking(wish: str) -> str:
    """A study of four variants with two checkpoints on the way, and what it fine-tunes of them."""
    return edited((SECTION, f"{SECTION}, intermediate: {wish}"), text=WITHOUT)


def graph(folder: Path, text: str) -> Graph:
    path = folder / "spec.yaml"
    path.write_text(text)
    return build(load_study(path), lambda file: file.name)


def priced(folder: Path, text: str) -> Price:
    path = folder / "spec.yaml"
    path.write_text(text)
    return price(load_study(path), 0.4, 989e12)


def jobs(found: Graph) -> dict[tuple[str, str], Job]:
    return {(job.stage, job.label): job for job in found.jobs}


def test_every_point_of_the_named_variants_is_tuned_and_scored_like_the_last(tmp_path: Path) -> None:
    found = graph(tmp_path, asking('{variants: ["clm-*"], seeds: [0, 1]}'))
    for v in found.variants:
        last = [(o.task, o.seed, o.test, o.prompt_format, o.tuned.settings) for o in v.outcomes]
        for point in v.points:
            early = [(o.task, o.seed, o.test, o.prompt_format, o.tuned.settings) for o in point.outcomes]
            assert early == (last if v.variant.name.startswith("clm") else [])
            assert all(o.tuned.parents["checkpoint"] == point.checkpoint for o in point.outcomes)


def test_the_first_seed_and_all_tasks_and_checkpoints_are_the_default(tmp_path: Path) -> None:
    for v in graph(tmp_path, asking("{}")).variants:
        asked = [[(o.task, o.seed) for o in point.outcomes] for point in v.points]
        assert asked == [[("cms", 0), ("cbqa", 0)]] * 2


def test_tasks_and_checkpoints_can_be_chosen(tmp_path: Path) -> None:
    found = graph(tmp_path, asking("{variants: [sc-most], tasks: [cbqa], checkpoints: [500k]}"))
    asked = {(v.variant.name, p.tokens, o.task) for v in found.variants for p in v.points for o in p.outcomes}
    assert asked == {("sc-most", 500_000, "cbqa")}


def test_asking_for_it_changes_no_job_that_was_there(tmp_path: Path) -> None:
    before, after = (jobs(graph(tmp_path, text)) for text in (WITHOUT, asking('{variants: ["clm-*"]}')))
    assert {key: job.id for key, job in after.items() if key in before} == {key: job.id for key, job in before.items()}
    added = sorted(after.keys() - before.keys())
    assert added == [
        ("evaluate", "clm-even on the way"), ("evaluate", "clm-most on the way"),
        ("finetune", "clm-even on the way"), ("finetune", "clm-most on the way"),
    ]  # fmt: skip


def test_asking_for_more_keeps_what_was_tuned(tmp_path: Path) -> None:
    few, more = (
        {unit.fingerprint for job in graph(tmp_path, asking(wish)).jobs for unit in job.units}
        for wish in ("{variants: [clm-even], checkpoints: [250k], tasks: [cms]}", "{seeds: [0, 1]}")
    )
    assert few < more


def test_a_job_on_the_way_waits_for_the_run_and_its_tasks(tmp_path: Path) -> None:
    found = graph(tmp_path, asking("{variants: [clm-even]}"))
    tuning = jobs(found)["finetune", "clm-even on the way"]
    scoring = jobs(found)["evaluate", "clm-even on the way"]
    names = {(job.stage, job.label) for job in found.parents(tuning)}
    assert names == {("pretrain", "clm-even"), ("task", "cms"), ("task", "cbqa")}
    assert tuning in found.parents(scoring)


def test_a_branch_is_tuned_where_it_ends_in_jobs_of_its_own(tmp_path: Path) -> None:
    text = edited(("checkpoints: [250k, 500k]", "checkpoints: [250k, 500k], anneal: true"), text=asking("{}"))
    found = graph(tmp_path, text)
    for v in found.variants:
        for point in v.points:
            label = f"{v.variant.name} at {point.tokens // 1000}k tokens"
            assert point.checkpoint.whole in jobs(found)["anneal", label].units
            assert {o.tuned.fingerprint for o in point.outcomes} == {
                unit.fingerprint for unit in jobs(found)["finetune", label].units
            }
    assert not any(job.label.endswith("on the way") for job in found.jobs)


def test_the_table_is_told_of_outcomes_at_every_point(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(asking("{variants: [clm-even], tasks: [cms]}"))
    variants = plan_study(load_study(path), tmp_path / "results").summaries["table"]["settings"]["variants"]
    told = {v["name"]: [[o["name"] for o in point["outcomes"]] for point in v["points"]] for v in variants}
    assert told == {name: [[], []] for name in told} | {"clm-even": [["cms"], ["cms"]]}


def test_what_is_tuned_on_the_way_is_priced_like_the_last(tmp_path: Path) -> None:
    before, after = (priced(tmp_path, text) for text in (WITHOUT, asking("{seeds: [0, 1]}")))
    assert after.tuning.flops == 3 * before.tuning.flops
    assert [v.tuned_models for v in after.variants] == [3 * v.tuned_models for v in before.variants] == [12] * 4
    half = priced(tmp_path, asking('{variants: ["*-even"], seeds: [0, 1]}'))
    assert half.tuning.flops == 2 * before.tuning.flops
    assert half.measuring.flops - before.measuring.flops == (after.measuring.flops - before.measuring.flops) / 2 > 0
