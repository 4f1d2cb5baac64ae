"""`ptp lock`: write the lock of a study, or say in what it is out of date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ptp_core.engine.lock.changes import changes, told
from ptp_core.engine.lock.entries import Entries, planned
from ptp_core.engine.lock.reading import read_study_lock, refuse_edited
from ptp_core.engine.lock.results import Pairs, headlines, results
from ptp_core.engine.verify.summaries import refuse_edited_files
from ptp_core.engine.workflow import Workflow, plan_study
from ptp_core.errors import UserError
from ptp_core.files import write_if_changed
from ptp_core.identity.lockfile import contradicted, contradiction, lock_entries, lock_path, lock_text
from ptp_core.spec.load import load_study

ADOPTED = "adopted/"
OUT_OF_DATE = 1
"""Exit code of a check that finds differences; 2 is for mistakes."""


@dataclass(frozen=True)
class Resolved:
    """A study as it is here and now."""

    entries: Entries
    unresolved: tuple[str, ...]
    """What to tell of files that are not here."""


def resolve(spec: Path, results_folder: Path, old: Pairs) -> Resolved:
    """The entries that the lock of a spec should have; ``old``: those it has. Raises UserError."""
    unresolved: list[UserError] = []
    workflow = plan_study(load_study(spec), results_folder, unresolved)
    entries = entries_of(workflow, old)
    return Resolved(entries, tuple(dict.fromkeys(map(str, unresolved))))


def entries_of(workflow: Workflow, old: Pairs) -> Entries:
    """The entries of a planned study. What was adopted stays; results that are not here are kept while they fit.

    Raises UserError for results that are damaged, and for files of the study that were edited.
    """
    refuse_edited_files(workflow)
    adopted = {key: value for key, value in old if key.startswith(ADOPTED)}
    return adopted | planned(workflow) | results(workflow, old) | headlines(workflow, old)


def write_locks(specs: Sequence[Path], results_folder: Path) -> int:
    """Write the lock beside each spec, if it changes, and say what is not resolved. Raises UserError."""
    for spec in specs:
        path = lock_path(spec)
        old, settled = _readable(path)
        found = resolve(spec, results_folder, old)
        wrote = write_if_changed(path, lock_text(found.entries))
        print(f"{path}: {_counts(found.entries)}{'' if wrote else '; nothing changed'}")
        if settled:
            print(f"  {settled} entries that two branches had changed are written anew; of two results that fits stays")
        _print_unresolved(found, "not resolved, so that the lock says nothing of what is made from it")
    return 0


def check_locks(specs: Sequence[Path], results_folder: Path) -> int:
    """Say in what each lock is out of date; 1 if any is. Compares entries: their order does not matter."""
    code = 0
    for spec in specs:
        path = lock_path(spec)
        old = read_study_lock(path)
        if not old:
            load_study(spec)  # a mistake in the spec comes first
            print(f"{path}: there is no lock; run `ptp lock {spec}`")
            code = OUT_OF_DATE
            continue
        found = resolve(spec, results_folder, list(old.items()))
        differing = changes(old, found.entries)
        print(f"{path}: {'out of date' if differing else 'up to date'}")
        _print_unresolved(found, "not resolved here")
        for line in told(differing):
            print(f"  {line}")
        if differing:
            print(f"  run `ptp lock {spec}`, and look at the difference in git")
            code = OUT_OF_DATE
    return code


def _readable(path: Path) -> tuple[Pairs, int]:
    """A lock whose contradictions, left by a merge, are settled: all but adoptions are found out anew.

    Returns all entries and how many were settled; raises UserError for two adoptions that contradict each other.
    """
    lines = lock_entries(path)
    refuse_edited(path, lines)
    pairs = list(contradicted(lines))
    for one, other in pairs:
        if one.key.startswith(ADOPTED):
            raise contradiction(path, one, other)
    return [(entry.key, entry.value) for entry in lines], len({one.key for one, _ in pairs})


def _counts(entries: Entries) -> str:
    units = sum(key.startswith("unit/") for key in entries)
    done = sum(key.startswith("result/") for key in entries)
    return f"{units} units, {done} results" if units else f"{len(entries)} entries, nothing is trained"


def _print_unresolved(found: Resolved, what: str) -> None:
    for message in found.unresolved[:MOST_TOLD]:
        print(f"  {what}: {message}")
    if len(found.unresolved) > MOST_TOLD:
        print(f"  … and {len(found.unresolved) - MOST_TOLD} more")


MOST_TOLD = 3
"""Unresolved files that are told of before it says how many more there are."""
