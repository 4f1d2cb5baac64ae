"""The whole spec of a study."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from ptp_core.spec.checkpoints import Checkpoint
from ptp_core.spec.data import Data
from ptp_core.spec.dynamics import Dynamics
from ptp_core.spec.execution import Execution
from ptp_core.spec.fields import Name, Section, execution, identity
from ptp_core.spec.finetune import Finetune
from ptp_core.spec.harness import Overlap
from ptp_core.spec.indicators import IndicatorOptions
from ptp_core.spec.measurements import Table
from ptp_core.spec.model import Model
from ptp_core.spec.pretrain import Pretrain
from ptp_core.spec.quantities import refuse_truth_value
from ptp_core.spec.scaling import Scaling
from ptp_core.spec.select import Select
from ptp_core.spec.tasks import Task

Weight = Annotated[float, BeforeValidator(refuse_truth_value), Field(ge=0, le=1e9)]


class Study(Section):
    """A study: variants to pre-train, existing models and tables measured elsewhere, in any mix."""

    study: Name = execution("name of the study and of its folder under results/")
    seed: int = identity("seed that the variants take when they name none", default=0, ge=0, lt=2**32)
    model: Model | None = identity("the model of all variants that name none", default=None)
    data: Data | None = identity("the text to pre-train on", default=None)
    tasks: dict[Name, Task] = identity("tasks; the world brings cms, rag and cbqa", default={})
    mixtures: dict[Name, dict[Name, Weight]] = identity("weights of the domains, by name of the mixture", default={})
    pretrain: Pretrain | None = identity("the variants", default=None)
    checkpoints: tuple[Checkpoint, ...] = identity("existing models that are compared as well", default=())
    finetune: Finetune | None = identity("fine-tuning of every variant", default=None)
    indicators: tuple[str, ...] | dict[str, IndicatorOptions] = identity(
        "ppl_<objective>, kshot_<task>, tuned_<task>, functions of `plugins`: a list, or {name: options}", default=()
    )
    plugins: tuple[str, ...] = execution(
        "Python files with indicators of your own; relative to the spec; their content is identity", default=()
    )
    items: Overlap = identity(
        "disjoint: indicators score other items than outcomes do; shared: the same ones, as papers do",
        default="disjoint",
    )
    select: Select = identity("how variants are compared", default=Select())
    scaling: Scaling | None = identity("laws of size, compute and mixture, and what they predict", default=None)
    dynamics: Dynamics | None = identity("checkpoints along pre-training, before and after fine-tuning", default=None)
    measurements: tuple[Table, ...] = identity("tables measured elsewhere", default=())
    execution: Execution = execution("how jobs run here", default=Execution())

    @field_validator("study")
    @classmethod
    def _beside_the_store(cls, name: str) -> str:
        if name.lower() == "store":
            raise ValueError("results/store holds the results of all studies; choose another name")
        return name
