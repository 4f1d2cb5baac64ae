"""The kinds of job: which code each one runs, and which packages its result depends on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ptp_core.identity.closure import closure_digest
from ptp_core.identity.fingerprint import package_version


@dataclass(frozen=True)
class Stage:
    """``entry`` is ``module:function``; what that function can reach is the stage's code."""

    name: str
    entry: str
    packages: tuple[str, ...]
    state: tuple[str, ...] = ()
    """Files in the partial folder from which a killed job goes on; a stage without any starts with an empty folder."""

    @cached_property
    def code(self) -> str:
        """Digest of the stage's code closure."""
        return closure_digest(self.entry)

    @cached_property
    def versions(self) -> dict[str, str]:
        """Package → installed version."""
        return {name: package_version(name) for name in self.packages}


STATE_FILES = ("state.ckpt", "state.previous.ckpt", "state.new.ckpt", "state.damaged.ckpt", "work.json", "outcome.json")
"""As ``training.state`` and ``training.launch`` name them; a test holds them equal. Importing those costs seconds."""
_TRAINING = ("torch", "transformers", "pytorch-lightning", "tokenizers", "numpy", "safetensors")
_MEASURING = ("torch", "transformers", "tokenizers", "numpy", "lm_eval", "datasets", "rouge_score")
_ANALYSIS = ("numpy", "pandas", "scipy", "catboost", "torch")

STAGES = {
    stage.name: stage
    for stage in (
        Stage("tokenizer", "ptp_core.data.build_tokenizer:run", ("tokenizers",)),
        Stage("shards", "ptp_core.data.build_shards:run", ("tokenizers", "numpy")),
        Stage("import_tokenizer", "ptp_core.data.import_tokenizer:run", ("tokenizers", "transformers")),
        Stage("import", "ptp_core.training.import_checkpoint:run", ("torch", "transformers", "safetensors")),
        Stage("task", "ptp_core.data.build_items:run", ()),
        Stage("pretrain", "ptp_core.training.pretrain:run", _TRAINING, state=STATE_FILES),
        Stage("anneal", "ptp_core.training.anneal:run", _TRAINING, state=STATE_FILES),
        Stage("finetune", "ptp_core.training.finetune:run", (*_TRAINING, "peft")),
        Stage("indicators", "ptp_core.measure.stages:run_indicator", _MEASURING),
        Stage("evaluate", "ptp_core.measure.stages:run_evaluate", _MEASURING),
    )
}
"""Stages whose results live in the store."""

SUMMARIES = {
    stage.name: stage
    for stage in (
        Stage("table", "ptp_core.engine.summaries:make_table", ("pandas", "pyarrow")),
        Stage("select", "ptp_core.engine.summaries:make_selection", _ANALYSIS),
        Stage("scaling", "ptp_core.engine.make_scaling:make_scaling", _ANALYSIS),
        Stage(
            "dynamics",
            "ptp_core.engine.make_dynamics:make_dynamics",
            ("numpy", "pandas", "scipy", "matplotlib", "jinja2"),
        ),
        Stage(
            "report", "ptp_core.engine.make_report:make_report", ("matplotlib", "jinja2", "altair", "vl-convert-python")
        ),
    )
}
"""Stages that write a study's own files: the table, what is made of it, the report."""

OUTPUTS = {
    "table": ("measurements.parquet", "measurements.csv", "items.parquet"),
    "select": ("selection.json", "audit.json"),
    "scaling": ("scaling.json", "scaling_laws.json"),
    "dynamics": ("dynamics.json",),
}
"""The files that they write into the study's folder; the report writes a page for each of the others."""
