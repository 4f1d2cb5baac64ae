"""Why the table, what is made of it, or the report is out of date."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ptp_core.engine.stages import OUTPUTS
from ptp_core.engine.staleness.causes import Cause, value_of
from ptp_core.engine.staleness.differences import ABSENT, Manifests, at, differing, package_differences
from ptp_core.engine.workflow import Workflow
from ptp_core.spec.explain_errors import dotted

MADE_OF = Cause("summary", "made of results that have to be made")
NEVER = Cause("new", "not made yet")
SAID_OTHERWISE = Cause("summary", "names, columns or the wording of the spec have changed")
ASKED = {"select": "select", "scaling": "scaling", "dynamics": "dynamics"}
"""Stage → the setting that is the user's own section."""


def summary_causes(workflow: Workflow, results_missing: bool, manifests: Manifests) -> dict[str, tuple[Cause, ...]]:
    """Stage → causes, of the summaries that have to be made again."""
    found: dict[str, tuple[Cause, ...]] = {}
    for stage, job in workflow.summaries.items():
        receipt = workflow.folders.receipt(stage, job["id"])
        if results_missing:
            found[stage] = (MADE_OF,)
        elif not receipt.exists():
            found[stage] = tuple(_compared(workflow, stage, job, manifests))
        else:
            files = OUTPUTS.get(stage) or workflow.pages.values()
            gone = [name for name in files if not (workflow.folders.home / name).exists()]
            if gone or "table" in found:
                found[stage] = (Cause("gone", f"{gone[0]} is gone") if gone else MADE_OF,)
    if found and "report" in workflow.summaries:
        found.setdefault("report", (MADE_OF,))
    return found


def _compared(workflow: Workflow, stage: str, job: Mapping[str, Any], manifests: Manifests) -> Iterator[Cause]:
    old = _last(workflow, stage)
    if old is None:
        yield NEVER
        return
    causes = [*_settings(workflow, stage, old, job), *_made_by(stage, old, job, manifests)]
    yield from causes or [MADE_OF]


def _last(workflow: Workflow, stage: str) -> Mapping[str, Any] | None:
    """The job file of what the study's folder holds now: its receipt is the only one of its stage."""
    for receipt in (workflow.folders.home / "receipts" / stage).glob("*.json"):
        try:
            found = json.loads(workflow.folders.job(stage, receipt.stem).read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(found, dict):
            return found
    return None


def _settings(workflow: Workflow, stage: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Cause]:
    was, now = old["settings"], json.loads(json.dumps(new["settings"]))
    section = ASKED.get(stage)
    if section:
        for path in differing(was.get(section), now[section], (section,)):
            place = workflow.study.where(*path)
            old_value, new_value = (None if (v := at(side, path)) is ABSENT else value_of(v) for side in (was, now))
            yield Cause("setting", dotted(path), old_value, new_value, place)
    for i, table in enumerate(now.get("tables", ())):
        before = was["tables"][i] if i < len(was.get("tables", ())) else {}
        if before.get("sha256") != table["sha256"]:
            place = workflow.study.where("measurements", i, "path")
            yield Cause("input", Path(table["table"]["path"]).name, where=place, note="content changed")
    if any(was.get(key) != now.get(key) for key in ("variants", "spec", "items", "perplexities") if key in now):
        yield SAID_OTHERWISE


def _made_by(stage: str, old: Mapping[str, Any], new: Mapping[str, Any], manifests: Manifests) -> Iterator[Cause]:
    """By which code and packages it was made; older job files do not say."""
    if "code" not in old:
        return
    if old["code"] != new["code"]:
        yield manifests.cause(stage, old["code"], new["code"])
    yield from package_differences(old["packages"], new["packages"])
