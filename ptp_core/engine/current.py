"""Which jobs a study has now, and since when it has no more those that it had: what may be needed again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from ptp_core.errors import UserError, Where
from ptp_core.files import pretty_json, write_if_changed
from ptp_core.identity.lockfile import SUFFIX

FILE = "jobs.json"
SPEC = "spec.json"
"""In a study's folder: its jobs, and where its spec lies."""

Jobs = dict[str, str | None]
"""``stage/id`` of a job → None if the study has it, else the day on which it was planned without it (ISO 8601)."""


def note_current(home: Path, jobs: Iterable[tuple[str, str]], today: date | None = None) -> None:
    """Remember the (stage, id) of all jobs of a study as it is planned now; writes only what has changed."""
    present: Jobs = {f"{stage}/{identifier}": None for stage, identifier in jobs}
    day = (today or date.today()).isoformat()
    try:
        before = known_jobs(home) or {}
    except UserError:
        # It can be written again; what was lost is since when old jobs are old.
        before = {}
    former = {job: since or day for job, since in before.items() if job not in present}
    write_if_changed(home / FILE, pretty_json(former | present))


def known_jobs(home: Path) -> Jobs | None:
    """What was remembered; None if nothing was. Raises UserError for a file that is not of this kind."""
    path = home / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        for since in found.values():
            date.fromisoformat(since or "2000-01-01")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError, TypeError):
        fix = "remove it and run snakemake again with --dry-run, which writes it anew"
        raise UserError("this is no list of jobs any more", where=Where(path), fix=fix) from None
    return dict(found)


def note_spec(home: Path, spec: Path) -> None:
    """Remember where the spec of a study lies, and so its lock."""
    write_if_changed(home / SPEC, pretty_json({"spec": str(spec.absolute())}))


def known_spec(home: Path) -> Path | None:
    """The spec by which a study was planned last; None if that is not known, or it lies there no more."""
    try:
        path = Path(json.loads((home / SPEC).read_bytes())["spec"])
        return path if path.suffix != SUFFIX and path.is_file() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
