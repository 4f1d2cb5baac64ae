"""What a study resolves to, as entries of its lock: each line of its own, so that two branches merge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ptp_core.engine.lock.sources import sources
from ptp_core.engine.stages import STAGES, SUMMARIES
from ptp_core.engine.units import UNRESOLVED, Unit
from ptp_core.identity.canonical import canonical_json, digest
from ptp_core.identity.lockfile import FORMAT

if TYPE_CHECKING:
    from ptp_core.engine.workflow import Workflow

Entries = dict[str, Any]

ABSOLUTE, RELATIVE = 0.05, 0.02
"""What another host class may change a number by: the larger of .05, and 2 % of it. Rounding grows along a training,
and a score over few items moves in steps."""
CLAIMS: Entries = {
    "reproducible/same_host_class": {"level": "bitwise"},
    "reproducible/elsewhere": {"level": "statistical", "absolute": ABSOLUTE, "relative": RELATIVE},
}
"""What is claimed of running the study once more: the same processor type, threads, devices and packages give the same
bits, anything else numbers within the tolerance."""

_OF_VARIANTS = ("variants", "tables", "table", "made_of_it", "tasks", "jobs")
_NOT_IDENTITY = ("study", "places", "fingerprint", "packages", "spec")


def planned(workflow: Workflow) -> Entries:
    """All that is known before anything runs: what is asked, what it resolves to, and the fingerprint of every unit."""
    return {
        "format": FORMAT,
        "study": workflow.study.spec.study,
        **CLAIMS,
        **_seeds(workflow),
        **sources(workflow),
        **_code(workflow),
        **{f"unit/{name}": unit.fingerprint for name, unit in named_units(workflow).items()},
        **{f"summary/{stage}": _asked_of(job["settings"]) for stage, job in workflow.summaries.items()},
        **_stated(workflow),
    }


def named_units(workflow: Workflow) -> dict[str, Unit]:
    """``<stage>/<label>`` → unit, for all whose inputs are here."""
    found: dict[str, Unit] = {}
    whole: dict[str, bool] = {}
    for unit in units_of(workflow):
        if workflow.unresolved and not _is_resolved(unit, whole):
            continue
        name, count = f"{unit.stage}/{unit.label}", 1
        while found.setdefault(name, unit).fingerprint != unit.fingerprint:
            count += 1
            name = f"{unit.stage}/{unit.label} ({count})"
    return found


def units_of(workflow: Workflow) -> Iterator[Unit]:
    """All units of a study, parents first."""
    return (unit for job in workflow.graph.jobs for unit in job.units)


def _is_resolved(unit: Unit, known: dict[str, bool]) -> bool:
    if unit.fingerprint not in known:
        own = all(sha256 != UNRESOLVED for files in unit.inputs.values() for _, sha256 in files)
        known[unit.fingerprint] = own and all(_is_resolved(p.whole, known) for p in unit.parents.values())
    return known[unit.fingerprint]


def _code(workflow: Workflow) -> Entries:
    used = sorted({unit.stage for unit in units_of(workflow)} | set(workflow.summaries))
    stages = [(STAGES | SUMMARIES)[name] for name in used]
    packages = {name: version for stage in stages for name, version in stage.versions.items()}
    return {f"code/{stage.name}": stage.code for stage in stages} | {
        f"package/{name}": version for name, version in packages.items()
    }


def _seeds(workflow: Workflow) -> Entries:
    """The seeds by section; those of variants are in what their units are made of."""
    spec = workflow.study.spec
    found: Entries = {"study": spec.seed} if spec.pretrain else {}
    if spec.finetune:
        found["finetune"] = list(spec.finetune.seeds)
    for section in ("select", "scaling", "dynamics"):
        if section in workflow.summaries:
            found[section] = getattr(spec, section).seed
    return {f"seeds/{section}": seed for section, seed in found.items()}


def _asked_of(settings: Mapping[str, Any]) -> str:
    """Digest of what is asked of a table or an analysis. Variants are left out, having lines of their own.

    A digest over all variants would be another one on each of two branches, and a third one after their merge.
    """
    asked = {key: value for key, value in settings.items() if key not in (*_OF_VARIANTS, *_NOT_IDENTITY)}
    if "tables" in settings:
        asked["rows"] = sorted(_kinds_of_rows(settings))
        # A table's path is in the line of its source.
        asked["columns"] = [{k: v for k, v in t["table"].items() if k != "path"} for t in settings["tables"]]
    return digest(asked)


def _kinds_of_rows(settings: Mapping[str, Any]) -> set[str]:
    """What is read from the results of indicators and evaluations, whichever variant they are of."""
    points = (point for variant in settings["variants"] for point in (*variant["points"], variant))
    rows = (row for point in points for row in (*point["indicators"], *point["outcomes"]))
    return {canonical_json({k: v for k, v in row.items() if k not in ("unit", "seed")}) for row in rows}


def _stated(workflow: Workflow) -> Entries:
    """What the spec says of existing models and no file does."""
    told = {c.name: {"tokens": c.tokens, **c.config} for c in workflow.study.spec.checkpoints}
    return {f"stated/{name}": {k: v for k, v in said.items() if v is not None} for name, said in told.items()}
