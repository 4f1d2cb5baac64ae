"""Every function of the package that a stage executes is part of the stage's code: a tiny study, watched as it runs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from ptp_core.engine import runner
from ptp_core.engine.jobfiles import job_json
from ptp_core.engine.stages import STAGES, SUMMARIES, Stage
from ptp_core.engine.workflow import plan
from ptp_core.identity.closure import ROOT, closure, imported_modules
from tests.workflow.project import TINY

STUDY = (
    TINY.replace("kshot_cbqa]", "kshot_cbqa, tuned_cbqa]")
    .replace("seeds: [0, 1]", "seeds: [0]")
    .replace("tokens: 32k", "tokens: 8k")
)
Found = tuple[str, str]
"""Module and the name at its top level."""


HANDED_IN = tuple(
    f"ptp_core.{name}" for name in ("engine.runner", "identity.lease", "identity.owner", "identity.store")
)
"""What ``Work.check`` runs: the runner hands it in, and it decides whether work goes on, never what it comes to."""


class Watch:
    """Notes which functions of the package are executed; what runs while a module is imported is the import's."""

    def __init__(self) -> None:
        self.codes: dict[CodeType, None] = {}
        self.importing: dict[int, int] = {}

    def __call__(self, frame: FrameType, event: str, _arg: Any) -> None:
        file = frame.f_code.co_filename
        # Templates are data files, whole.
        if event not in ("call", "return") or not (file.startswith(str(ROOT)) and file.endswith(".py")):
            return
        thread = threading.get_ident()
        if frame.f_code.co_name == "<module>":
            self.importing[thread] = self.importing.get(thread, 0) + (1 if event == "call" else -1)
        if event == "call" and (frame.f_code.co_name == "<module>" or not self.importing.get(thread)):
            self.codes[frame.f_code] = None

    def found(self) -> Iterator[Found]:
        for code in self.codes:
            module = ".".join(("ptp_core", *Path(code.co_filename).relative_to(ROOT).with_suffix("").parts))
            yield module.removesuffix(".__init__"), code.co_qualname.split(".")[0]


@contextmanager
def watched(watch: Watch) -> Iterator[None]:
    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@pytest.mark.slow
def test_what_a_stage_executes_is_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_OFFLINE", "TOKENIZERS_PARALLELISM", "RAYON_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    seen: dict[str, Watch] = {name: Watch() for name in (*STAGES, *SUMMARIES)}
    entry_of: Callable[[Stage], Callable[..., Any]] = runner._entry

    def entry(stage: Stage) -> Callable[..., Any]:
        function = entry_of(stage)

        def run(*arguments: Any) -> Any:
            with watched(seen[stage.name]):
                return function(*arguments)

        return run

    monkeypatch.setattr(runner, "_entry", entry)
    (tmp_path / "study.yaml").write_text(STUDY)
    workflow = plan(tmp_path / "study.yaml", tmp_path / "results")
    for job in workflow.graph.jobs:
        runner.run_job(job_json(job, workflow.study.spec.execution), workflow.folders)
    for name, job in workflow.summaries.items():
        run = entry_of(SUMMARIES[name])
        with watched(seen[name]):
            run(job["settings"], workflow.folders)

    for stage in (*STAGES.values(), *SUMMARIES.values()):
        reached, imported = closure(stage.entry), imported_modules(stage.entry)
        executed = sorted(found for found in seen[stage.name].found() if found[0] not in HANDED_IN)
        missed = [
            f"{module}:{name}"
            for module, name in executed
            if (module not in imported if name == "<module>" else f"{module}:{name}" not in reached)
        ]
        assert (stage.name, missed) == (stage.name, [])
    ran = {name for name, watch in seen.items() if len(watch.codes) > 5}
    assert ran >= {"tokenizer", "shards", "task", "pretrain", "finetune", "indicators", "evaluate", "table", "select"}
