"""Which Lightning strategy trains: plain, DeepSpeed on GPUs, or DeepSpeed on CPU processes."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.utilities.seed import reset_seed
from pytorch_lightning.strategies import DDPStrategy, DeepSpeedStrategy

from ptp_core.spec.execution import Execution
from ptp_core.training.layout import Layout

_rank = 0


def join(number: int) -> None:
    """Be the given one of several processes that train one model; what ``RANK`` says to others does not count."""
    global _rank
    _rank = number


def rank() -> int:
    """This process's number among those that train one model together; 0 if it is alone."""
    return _rank


def trainer_options(execution: Execution, layout: Layout, parameters: int, on_gpu: bool) -> dict[str, Any]:
    """What the Lightning trainer needs to know of processes and sharding; ``parameters``: weights of the model."""
    stage = execution.deepspeed_stage
    if stage is None:
        return {"devices": 1, "accelerator": "gpu" if on_gpu else "cpu"}
    # DeepSpeed sets aside whole buckets at every step, by default of 2 GB, also for a model of 2 MB.
    bucket = min(500_000_000, parameters)
    config = {
        "zero_optimization": {"stage": stage, "reduce_bucket_size": bucket, "allgather_bucket_size": bucket},
        # Our AdamW is torch's own; DeepSpeed calls every optimiser but its own ones untested.
        "zero_allow_untested_optimizer": True,
        "train_micro_batch_size_per_gpu": layout.rows,
    }
    strategy = DeepSpeedStrategy(config=config) if on_gpu else CpuDeepSpeedStrategy(config=config)
    return {
        "devices": execution.devices,
        "num_nodes": execution.nodes,
        "accelerator": "gpu" if on_gpu else "cpu",
        "strategy": strategy,
        "plugins": [TorchElasticEnvironment()],
    }


def do_without_extension() -> None:
    """Keep DeepSpeed from compiling an extension for processes that share memory; gloo does without.

    It takes a minute and a C++ compiler, and a compilation that is killed leaves a lock on which every later training
    of this user waits for ever.
    """
    # `deepspeed.comm.torch` as an expression is torch itself, which that package has imported under the same name.
    backend: Any = importlib.import_module("deepspeed.comm.torch")
    backend.build_shm_op = lambda: None


class CpuDeepSpeedStrategy(DeepSpeedStrategy):
    """Lightning's DeepSpeed strategy, which asks for a GPU where it needs none, over gloo."""

    def __init__(self, **options: Any) -> None:
        super().__init__(process_group_backend="gloo", **options)

    def setup_environment(self) -> None:
        # The parent refuses every accelerator but CUDA.
        DDPStrategy.setup_environment(self)

    def setup_distributed(self) -> None:
        do_without_extension()
        reset_seed()
        self.set_world_ranks()
        self._init_deepspeed_distributed()

    def _setup_model_and_optimizer(self, model: Any, optimizer: Any, lr_scheduler: Any = None) -> tuple[Any, Any]:
        import deepspeed

        # The parent passes the index of the device, which a CPU does not have.
        engine, wrapped, _, _ = deepspeed.initialize(
            args=argparse.Namespace(),
            config=self.config,
            model=model,
            model_parameters=[p for p in model.parameters() if p.requires_grad],
            optimizer=optimizer,
            lr_scheduler=lr_scheduler,
            dist_init_required=False,
        )
        return engine, wrapped
