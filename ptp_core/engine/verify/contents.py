"""The files of results against the digests in their receipts: what was changed, cut short, swapped, lost or added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from ptp_core.engine.verify.entries import Entry, again
from ptp_core.engine.verify.finding import Finding, short
from ptp_core.engine.verify.hashing import Digests
from ptp_core.identity.receipts import RECEIPT

Owners = dict[str, list[tuple[Entry, str]]]
MADE_BY_CHANCE = ("pretrain", "anneal", "finetune", "indicators", "evaluate")
"""Stages of which no two results agree in every byte unless they are the same; two domains may well hold one text."""


def files_of(entry: Entry) -> list[Path]:
    """The files that the receipt names and that are there."""
    return [path for name in entry.receipt["artifacts"] if (path := entry.folder / name).is_file()]


def owners_of(entries: Iterable[Entry]) -> Owners:
    """sha256 → where receipts of this study have such a file."""
    owners: Owners = {}
    for entry in entries:
        for name, artifact in entry.receipt["artifacts"].items():
            owners.setdefault(artifact["sha256"], []).append((entry, name))
    return owners


def check_files(entry: Entry, digests: Digests, owners: Owners) -> Iterator[Finding]:
    """A finding for each file that is not as the receipt says, and for each that it does not know."""
    for name, artifact in entry.receipt["artifacts"].items():
        path = entry.folder / name
        if not path.is_file():
            what = f"this file of {entry.name} is missing"
            yield _fault(entry, path, what, expected=f"{artifact['bytes']:,} bytes")
        elif (found := digests.get(path)) != artifact["sha256"]:
            yield _changed(entry, name, found, owners)
    known = {*entry.receipt["artifacts"], RECEIPT}
    for path in sorted(entry.folder.rglob("*")):
        name = path.relative_to(entry.folder).as_posix()
        if name not in known and (path.is_file() or path.is_symlink()):
            what = f"this file does not belong to {entry.name}: its receipt does not know it"
            yield Finding(path, what, fix=f"remove {path}", place=entry.unit.place)


def _changed(entry: Entry, name: str, found: str | OSError | None, owners: Owners) -> Finding:
    path, artifact = entry.folder / name, entry.receipt["artifacts"][name]
    if not isinstance(found, str):
        got = "nothing" if found is None else str(found.strerror or found)
        return _fault(entry, path, f"this file of {entry.name} cannot be read", got=got)
    right, size = artifact["bytes"], path.stat().st_size
    for other, theirs in owners.get(found, ()):
        whose = f"its {theirs}" if other is entry else f"{theirs} of {other.name}"
        what = f"this file of {entry.name} holds what {whose} should hold: it was copied or swapped"
        return _fault(entry, path, what, expected=short(artifact["sha256"]), got=short(found))
    if size < right:
        what = f"this file of {entry.name} is cut short"
    elif size > right:
        what = f"this file of {entry.name} has grown since it was made"
    else:
        what = f"this file of {entry.name} was changed: its size is right, its bytes are not"
        return _fault(entry, path, what, expected=short(artifact["sha256"]), got=short(found))
    return _fault(entry, path, what, expected=f"{right:,} bytes", got=f"{size:,}")


def _fault(entry: Entry, path: Path, what: str, **facts: str) -> Finding:
    return Finding(path, what, **{"fix": again(entry.folder)} | facts, place=entry.unit.place)


def copies(entries: Iterable[Entry]) -> Iterator[Finding]:
    """Results that say they are different and have the same files, byte for byte: one took its files from the other."""
    first: dict[tuple[object, ...], Entry] = {}
    for entry in entries:
        artifacts = entry.receipt["artifacts"]
        if entry.unit.stage not in MADE_BY_CHANCE or not artifacts:
            continue
        key = (entry.unit.stage, *sorted((name, artifact["sha256"]) for name, artifact in artifacts.items()))
        known = first.setdefault(key, entry)
        if known is not entry:
            what = (
                f"every file of {entry.name} is that of {known.name}, byte for byte: one was copied from the other, "
                "or what distinguishes them has no effect"
            )
            fix = f"if they should differ, remove {entry.folder} and {known.folder} and run snakemake again"
            yield Finding(entry.folder, what, fix=fix, place=entry.unit.place)
