"""What jobs ask a cluster for, worked out by hand for a small study."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from ptp_core import cost
from ptp_core.engine import resources
from ptp_core.engine.requests import ALL_CORES, Requests
from ptp_core.engine.resources import BASE_MB, LONGEST_MINUTES, START_MINUTES, activation_bytes, needs
from ptp_core.engine.units import Job
from ptp_core.engine.workflow import Workflow, plan
from ptp_core.spec.execution import Execution
from ptp_core.spec.model import Model

SPEC = """\
study: small
model: {width: 1024, layers: 8, heads: 8, ffn_width: 4096, context: 512}
data: {world: {people: 24, words: 20000, train_items: 32, test_items: 16}}
mixtures: {even: {facts: 1, reading: 1}}
pretrain:
  defaults: {tokens: 20M, sequence_length: 256, batch_tokens: 32768, mixture: even}
  grid: {lr: [1e-3, 2e-3, 3e-3, 4e-3]}
  include:
    - {name: kept, checkpoints: [1M, 2M], anneal: true, lr: 1e-4}
finetune: {tasks: [cbqa], seeds: [0, 1], steps: 100, batch_items: 4}
indicators: [ppl_clm]
"""


def planned(folder: Path, execution: str = "{}") -> Workflow:
    spec = folder / "small.yaml"
    spec.write_text(f"{SPEC}execution: {execution}\n")
    return plan(spec, folder / "results")


@pytest.fixture
def study(tmp_path: Path) -> Workflow:
    return planned(tmp_path)


def job_of(study: Workflow, stage: str) -> Job:
    return next(job for job in study.graph.jobs if job.stage == stage)


def vocabulary(study: Workflow) -> int:
    return Requests(study)._vocabulary()


def test_training_holds_weights_gradients_moments_a_copy_to_save_and_the_activations_of_a_micro_batch(
    study: Workflow,
) -> None:
    words, model = vocabulary(study), Model(width=1024, layers=8, heads=8, ffn_width=4096, context=512)
    count = cost.parameters(model, words)
    asked = needs(job_of(study, "pretrain"), Execution(), words)
    # 16,384 tokens at once, the default of micro_batch_tokens.
    held = 16_384 * (8 * (68 * 1024 + 10 * 8 * 256) + 12 * words)
    assert activation_bytes(model, words, 256, 16_384) == held
    assert asked.mem_mb == BASE_MB + math.ceil((28 * count + held) / 1e6)
    assert asked.disk_mb == 100 + math.ceil(count * (12 + 3 * 12) / 1e6)


def test_recomputed_activations_need_a_fraction(study: Workflow) -> None:
    words, job = vocabulary(study), job_of(study, "pretrain")
    kept, recomputed = (needs(job, Execution(activation_checkpointing=flag), words).mem_mb for flag in (False, True))
    assert recomputed < kept / 2


def test_time_is_four_times_flops_over_the_rate_of_all_processes(study: Workflow) -> None:
    words, job = vocabulary(study), job_of(study, "pretrain")
    model = Model(width=1024, layers=8, heads=8, ffn_width=4096, context=512)
    flops = 20_000_000 * cost.flops_per_token(cost.parameters(model, words), 8, 1024, 256)
    assert needs(job, Execution(), words, rate=1e12).runtime == START_MINUTES + math.ceil(4 * flops / 1e12 / 60)
    four = needs(job, Execution(devices=4), words, rate=1e12)
    assert four.runtime == START_MINUTES + math.ceil(flops / 1e12 / 60)
    assert needs(job, Execution(), words, rate=1e6).runtime == resources.LONGEST_MINUTES


def test_what_is_done_to_a_model_needs_less_than_its_training(study: Workflow) -> None:
    asked = {s: needs(job_of(study, s), Execution(), vocabulary(study)) for s in resources.MODEL_STAGES}
    assert asked["pretrain"].mem_mb > asked["finetune"].mem_mb > asked["indicators"].mem_mb
    assert asked["pretrain"].runtime > asked["finetune"].runtime > START_MINUTES
    assert asked["anneal"].runtime < asked["pretrain"].runtime


def test_no_gpu_is_asked_for_unless_the_study_says_so(study: Workflow, tmp_path: Path) -> None:
    assert all("gres" not in Requests(study).resources(job.stage) for job in study.graph.jobs)
    requests = Requests(planned(tmp_path, "{accelerator: gpu, devices: 4, threads: 8}"))
    assert requests.resources("pretrain")["gres"] == "gpu:4"
    assert requests.resources("evaluate")["gres"] == "gpu:1"
    assert "gres" not in requests.resources("shards")
    # Two of them in one submission, or on one machine, would share a GPU.
    assert requests.threads("evaluate") == ALL_CORES
    assert requests.of("pretrain", job_of(requests.workflow, "pretrain").id).cores == 32


def test_trainings_on_several_nodes_are_a_step_of_their_own_and_nothing_else_is(tmp_path: Path) -> None:
    requests = Requests(planned(tmp_path, "{nodes: 2, devices: 4, threads: 8}"))
    asked = requests.resources("pretrain")
    assert {key: asked[key] for key in ("mpi", "nodes", "tasks_per_node")} == {
        "mpi": "srun", "nodes": 2, "tasks_per_node": 4,
    }  # fmt: skip
    assert requests.of("pretrain", job_of(requests.workflow, "pretrain").id).cores == 8
    assert "mpi" not in requests.resources("finetune")
    single = Requests(planned(tmp_path, "{nodes: 2}")).resources("anneal")
    assert (single["tasks"], "tasks_per_node" in single) == (2, False)


def test_another_attempt_gets_as_much_memory_and_time_again(study: Workflow) -> None:
    for stage in ("pretrain", "finetune"):
        asked, wildcards = Requests(study).resources(stage), SimpleNamespace(id=job_of(study, stage).id)
        assert asked["mem_mb"](wildcards, attempt=3) == 3 * asked["mem_mb"](wildcards, attempt=1)
        # What takes longer than any limit goes on in the next attempt, and must still find a place in a queue.
        first = asked["runtime"](wildcards, attempt=1)
        assert asked["runtime"](wildcards, attempt=3) == min(3 * first, LONGEST_MINUTES)
        assert (first == LONGEST_MINUTES) == (stage == "pretrain")


def test_a_finished_training_tells_how_fast_the_next_will_be(study: Workflow) -> None:
    job, words = job_of(study, "pretrain"), vocabulary(study)
    before = Requests(study).of("pretrain", job.id).runtime
    metrics = {"tokens_per_second": 1000, "layout": {"processes": 2}}
    receipt = study.folders.receipt("pretrain", job.id)
    receipt.parent.mkdir(parents=True)
    receipt.write_text(json.dumps({"units": [{"fingerprint": job.units[0].fingerprint, "metrics": metrics}]}))
    model = Model(width=1024, layers=8, heads=8, ffn_width=4096, context=512)
    requests = Requests(study)
    assert requests._rate() == 500 * resources.training_flops(model, words, 256)
    assert requests.of("pretrain", job.id).runtime < before


def test_summaries_grow_with_the_number_of_variants(study: Workflow) -> None:
    assert resources.of_summary(1000).mem_mb > resources.of_summary(5).mem_mb
    assert Requests(study).of("select", "any").runtime == resources.of_summary(5).runtime
