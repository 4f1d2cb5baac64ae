"""Section ``execution``: how jobs run here. Nothing of it decides a result, so nothing of it is identity."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, model_validator

from ptp_core.spec.fields import Section, execution
from ptp_core.spec.quantities import Count, refuse_truth_value

ZeroStage = Annotated[Literal[0, 1, 2, 3], BeforeValidator(refuse_truth_value)]


class Execution(Section):
    """Processes, memory and what is written along the way."""

    threads: int = execution("cores that one process of a job uses", unit="cores", default=1, ge=1, le=1024)
    devices: int = execution(
        "processes that train one variant on a node: one a GPU, or one a set of cores", unit="processes",
        default=1, ge=1, le=1024,
    )  # fmt: skip
    nodes: int = execution("nodes that train one variant", unit="nodes", default=1, ge=1, le=10_000)
    accelerator: Literal["cpu", "gpu"] = execution(
        "what jobs ask a cluster for: cores alone, or a GPU a process too; a GPU that is there is used in any case",
        default="cpu",
    )
    micro_batch_tokens: Count = execution(
        "tokens that a process puts through the model at once; the rest of its share is accumulated", unit="tokens",
        default=16_384,
    )  # fmt: skip
    zero_stage: ZeroStage | None = execution(
        "DeepSpeed ZeRO stage: 0 shares nothing, 1 optimiser state, 2 gradients too, 3 weights too; "
        "default: plain training in one process, stage 1 in several",
        default=None,
    )
    activation_checkpointing: bool = execution(
        "recompute activations in the backward pass: slower, far less memory", default=False
    )
    compile: bool = execution("torch.compile the model: minutes at the start, faster steps on a GPU", default=False)
    save_seconds: float = execution(
        "training state is saved this often at most, so that a killed job resumes", unit="seconds", default=5.0, ge=0
    )
    tensorboard: bool = execution("write TensorBoard events beside the telemetry", default=False)
    peak_flops: float | None = execution(
        "peak of one device, for model FLOPs utilisation; default: known for H100, H200 and A100", unit="FLOP/s",
        default=None, gt=0,
    )  # fmt: skip

    @property
    def processes(self) -> int:
        """Processes that train one variant together."""
        return self.devices * self.nodes

    @property
    def deepspeed_stage(self) -> int | None:
        """The ZeRO stage that is used, or None for plain training."""
        return 1 if self.zero_stage is None and self.processes > 1 else self.zero_stage

    @model_validator(mode="after")
    def _stages_share_something(self) -> Execution:
        if self.compile and self.zero_stage == 3:
            raise ValueError("compile does not go with ZeRO stage 3, which moves the weights during a step")
        return self
