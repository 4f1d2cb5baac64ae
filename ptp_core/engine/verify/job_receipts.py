"""The receipts of a study's jobs against the results in the store that they speak of."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ptp_core.engine.folders import Folders
from ptp_core.engine.units import Job
from ptp_core.engine.verify.entries import Entry, name_of
from ptp_core.engine.verify.finding import Finding, short
from ptp_core.identity.receipts import FAILED

COMPARED = ("fingerprint", "status", "metrics", "artifacts", "wall_seconds")
"""What a job's receipt repeats of the store's."""


def read_job_receipts(jobs: Iterable[Job], folders: Folders) -> tuple[dict[str, dict[str, Any]], list[Finding]]:
    """Id of a job → its receipt, of those that have one; and a finding for each that is none."""
    found: dict[str, dict[str, Any]] = {}
    faults = []
    for job in jobs:
        path = folders.receipt(job.stage, job.id)
        try:
            receipt = json.loads(path.read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            receipt = None
        if not isinstance(receipt, dict) or not _is_list_of_dicts(receipt.get("units")):
            what = f"the receipt of the job {job.stage} {job.label} is not JSON any more, or not whole"
            faults.append(Finding(path, what, fix=f"remove {path} and run snakemake again: it is written anew"))
        else:
            found[job.id] = receipt
    return found, faults


def _is_list_of_dicts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def gone(
    jobs: Iterable[Job], receipts: Mapping[str, dict[str, Any]], folders: Folders, known: Collection[str]
) -> Iterator[Finding]:
    """Results that a job's receipt promises and the store has not. ``known``: places that are there."""
    told = set(known)
    for job in jobs:
        failed = {unit.get("fingerprint") for unit in _units(receipts, job) if unit.get("status") == FAILED}
        for unit in job.units:
            if job.id in receipts and unit.place not in told and unit.fingerprint not in failed:
                told.add(unit.place)
                path = folders.receipt(job.stage, job.id)
                what = f"{name_of(unit)} is gone from the store, though {path} says that it was made"
                yield Finding(
                    folders.store / unit.place, what, fix="run snakemake again: it is made anew", place=unit.place
                )


def _units(receipts: Mapping[str, dict[str, Any]], job: Job) -> list[dict[str, Any]]:
    units: list[dict[str, Any]] = receipts.get(job.id, {}).get("units", [])
    return units


def disagreements(
    jobs: Iterable[Job], receipts: Mapping[str, dict[str, Any]], folders: Folders, entries: Mapping[str, Entry]
) -> Iterator[Finding]:
    """A finding for each result of which a job's receipt says something else than the store. ``entries``: by place."""
    for job in jobs:
        units = {unit.get("fingerprint"): unit for unit in _units(receipts, job)}
        path = folders.receipt(job.stage, job.id)
        for unit in job.units:
            entry, told = entries.get(unit.place), units.get(unit.fingerprint)
            if entry is None or (told or {}).get("status") == FAILED or job.id not in receipts:
                continue
            if told is None:
                what = f"this receipt does not speak of {name_of(unit)}, which its job makes"
                yield Finding(path, what, fix=f"remove {path} and run snakemake again", place=unit.place)
            elif difference := next(_differences(told, entry.receipt), None):
                key, here, there = difference
                what = (
                    f"{key} of {name_of(unit)} is not what {entry.folder / 'receipt.json'} says: one of them was edited"
                )
                fix = f"remove {path} and {entry.folder} and run snakemake again"
                yield Finding(path, what, there, here, fix, unit.place)


def _differences(told: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for key in COMPARED:
        yield from _within(told.get(key), right.get(key), key)


def _within(told: Any, right: Any, key: str) -> Iterator[tuple[str, str, str]]:
    """(dotted key, as told, as it should be) of the places where two JSON values differ."""
    if isinstance(told, dict) and isinstance(right, dict):
        for name in sorted({*told, *right}):
            yield from _within(told.get(name), right.get(name), f"{key}.{name}")
    elif told != right:
        yield key, _shown(told), _shown(right)


def _shown(value: Any) -> str:
    if isinstance(value, str) and len(value) == 64:
        return short(value)
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:59] + "…"
