"""`--config locked=true`: run what the lock says, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptp_core.engine.lock.changes import changes, told
from ptp_core.engine.lock.entries import planned
from ptp_core.engine.lock.reading import read_study_lock
from ptp_core.errors import UserError, Where
from ptp_core.identity.lockfile import lock_path

if TYPE_CHECKING:
    from ptp_core.engine.workflow import Workflow

_OF_A_RUN = ("result/", "headline/", "adopted/")
"""What a run adds to a lock, and what is in effect before anything is planned."""


def is_locked(value: Any) -> bool:
    """What ``--config locked=…`` says; Snakemake hands over what YAML makes of it. Raises UserError."""
    if value in (True, False) and isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise UserError("cannot be read", subject="--config locked", expected="true or false", got=value)


def refuse_unlocked(workflow: Workflow) -> None:
    """Raise UserError unless the lock of a study says exactly what would be run; writes nothing."""
    spec = workflow.study.path
    path = lock_path(spec)
    old = read_study_lock(path)
    if not old:
        raise UserError("there is no lock", where=Where(path), fix=f"write it first: ptp lock {spec}")
    kept = {key: value for key, value in old.items() if not key.startswith(_OF_A_RUN)}
    differing = changes(kept, planned(workflow))
    if not differing:
        return
    lines = "\n".join(f"  {line}" for line in told(differing))
    fix = f"undo what changed it, or run `ptp lock {spec}`"
    if "code" in differing or "package" in differing:
        fix += f"; `ptp adopt {spec} --reason …` keeps results across a change of code that does no harm"
    raise UserError(f"locked=true, and this study is not what its lock says:\n{lines}\n{fix}", where=Where(path))
