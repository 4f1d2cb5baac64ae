"""``ptp explain``: why a job would run, or since when it is done and what it is made of, with its chain of parents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ptp_core.engine.price_text import hours, size
from ptp_core.engine.staleness.causes import value_of
from ptp_core.engine.staleness.command import UTILISATION, peak_of, staleness_of
from ptp_core.engine.staleness.found import Found, find
from ptp_core.engine.staleness.planned_text import amount_text, cause_line
from ptp_core.engine.staleness.rates import Rates
from ptp_core.engine.staleness.stale import Staleness
from ptp_core.engine.units import Unit
from ptp_core.errors import UserError
from ptp_core.identity.receipts import RECEIPT, read_receipt
from ptp_core.spec.load import load_study
from ptp_core.spec.yaml_lines import PlacePath

SHOWN = 12
"""Results of a job, or files of an input, that are listed."""


def print_explanation(spec: Path, results: Path, query: str) -> None:
    """Print it. Raises UserError for a name that is no job's, or several's, and for files that are not there."""
    staleness = staleness_of(load_study(spec), results)
    for line in explanation(staleness, find(staleness.workflow, spec, query)):
        print(line)


def explanation(staleness: Staleness, found: Found) -> Iterator[str]:
    """The page of one job, of one of its results, or of a summary."""
    if found.job is None:
        yield from _summary(staleness, found)
    elif found.unit is None:
        yield from _several(staleness, found)
    else:
        yield from _unit(staleness, found.unit)


def _summary(staleness: Staleness, found: Found) -> Iterator[str]:
    causes = staleness.summaries.get(found.stage, ())
    receipt = staleness.folders.receipt(found.stage, found.id)
    yield f"{found.stage} ({found.id}): {'would run now' if causes else 'done ' + _since(receipt)}"
    yield from (f"  {cause_line(cause)}" for cause in causes)
    missing = [unit for unit, _ in staleness.missing.values()]
    if missing:
        yield f"  {len(missing):,} results have to be made first, such as {missing[0].stage}/{missing[0].label}"


def _several(staleness: Staleness, found: Found) -> Iterator[str]:
    assert found.job is not None, "asked only for jobs"
    units = found.job.units
    missing = [unit for unit in units if unit.fingerprint in staleness.missing]
    state = f"would run now, for {len(missing)} of its {len(units)} results" if missing else "done"
    yield f"{found.name} ({found.id}): {state}"
    yield from _why(staleness, missing)
    yield f"  its results; `ptp explain` says more of each, by {found.stage}/LABEL"
    for unit in units[:SHOWN]:
        yield f"    {unit.label}: {_state(staleness, unit)}"
    if len(units) > SHOWN:
        yield f"    … and {len(units) - SHOWN} more"


def _unit(staleness: Staleness, unit: Unit) -> Iterator[str]:
    missing = unit.fingerprint in staleness.missing
    yield f"{unit.stage}/{unit.label} ({unit.id}): {'would run now' if missing else 'done'}"
    if missing:
        yield from _why(staleness, [unit])
        before = staleness.before.of(unit)
        if before is not None:
            name = "" if before.label == unit.label else f", then called {before.label}"
            there = (staleness.folders.store / before.place / RECEIPT).is_file()
            yield f"  before: {before.place}{name}{'' if there else ', no longer in the store'}"
    else:
        yield from _made(staleness.folders.store / unit.place)
    yield from _settings(staleness, unit)
    yield from _parents(staleness, unit)
    yield from _inputs(unit)
    symbols = staleness.manifests.count(unit.stage, unit.identity["code"])
    counted = f", {symbols:,} functions, classes and constants" if symbols else ""
    yield f"  code: {unit.identity['code'][:12]}{counted}"
    yield "  packages: " + (", ".join(f"{name} {v}" for name, v in unit.identity["packages"].items()) or "none")
    yield from _adopted(staleness, unit)


def _adopted(staleness: Staleness, unit: Unit) -> Iterator[str]:
    """What is here and counts as something older, because the study's lock says so; with the reason given there."""
    now, counted = unit.made_with, unit.identity
    pairs = [("code", unit.stage, now["code"], counted["code"])]
    pairs += [("package", name, now["packages"][name], version) for name, version in counted["packages"].items()]
    for kind, name, actual, older in pairs:
        if actual != older:
            reason = staleness.lock.get(f"adopted/{kind}/{name}/{actual}", {}).get("reason", "")
            yield f"  adopted: {kind} {name} {actual[:12]} counts as {older[:12]} ({reason})"


def _why(staleness: Staleness, missing: list[Unit]) -> Iterator[str]:
    causes = dict.fromkeys(cause for unit in missing for cause in sorted(staleness.causes(unit), key=str))
    yield from (f"  {cause_line(cause)}" for cause in causes)
    if missing:
        rates = Rates(staleness, UTILISATION, peak_of(staleness.workflow.study))
        wanted = {unit.fingerprint for unit in missing}
        amount = rates.amount(stale for stale in staleness.units if stale.unit.fingerprint in wanted)
        stage = missing[0].stage
        rate = rates.rates.get(stage)
        basis = f"by {rate.receipts:,} earlier receipts" if rate else "no receipt of its stage yet"
        yield f"  price: {amount_text(amount)} ({basis})"


def _made(folder: Path) -> Iterator[str]:
    """When, in which time, on what, how large; as the receipt knows."""
    try:
        receipt = read_receipt(folder)
        total = sum(file["bytes"] for file in receipt["artifacts"].values())
        said = f"  {receipt['status']} {_since(folder / RECEIPT)}"
        reason = f" ({receipt['reason']})" if receipt.get("reason") else ""
        host = receipt.get("host", {})
        device = f" on {host['device']}" if host.get("device") else ""
        where = f"{device} by {host['name']}" if host.get("name") else device
        yield f"{said}{reason}, made in {_took(receipt['wall_seconds'])}{where}"
        yield f"  in {folder}: {len(receipt['artifacts']):,} files, {size(total)}"
    except (UserError, KeyError, TypeError, AttributeError) as error:
        yield f"  its receipt cannot be read: {error}; run `ptp verify`"


def _settings(staleness: Staleness, unit: Unit) -> Iterator[str]:
    leaves = list(_leaves(unit.identity["settings"], ()))
    yield "  settings that differ from their defaults" + ("" if leaves else ": none")
    for path, value in leaves:
        place = staleness.places.of(unit, path)
        text = f"    {place.name}: {value_of(value)}"
        yield f"{text:<62}  {place.where}" if place.written else text


def _leaves(value: Any, path: PlacePath) -> Iterator[tuple[PlacePath, Any]]:
    if isinstance(value, Mapping) and value and path[-1:] != ("weights",):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif path:
        yield path, value


def _parents(staleness: Staleness, unit: Unit) -> Iterator[str]:
    """The chain of parents, each once, indented under what it is a parent of."""
    if unit.parents:
        yield "  made from"
    seen: set[str] = set()
    waiting = [(parent.whole, 2) for parent in reversed(list(unit.parents.values()))]
    while waiting:
        parent, depth = waiting.pop()
        if parent.fingerprint not in seen:
            seen.add(parent.fingerprint)
            yield f"{'  ' * depth}{parent.stage}/{parent.label}: {_state(staleness, parent)}"
            waiting += [(p.whole, depth + 1) for p in reversed(list(parent.parents.values()))]


def _state(staleness: Staleness, unit: Unit) -> str:
    if unit.fingerprint not in staleness.missing:
        return "done " + _since(staleness.folders.store / unit.place / RECEIPT)
    return "would run now, " + "; ".join(sorted(map(str, staleness.causes(unit))))


def _inputs(unit: Unit) -> Iterator[str]:
    for role, files in unit.inputs.items():
        yield f"  files of {role}"
        yield from (f"    {path}  sha256 {sha256[:12]}…" for path, sha256 in files[:SHOWN])
        if len(files) > SHOWN:
            yield f"    … and {len(files) - SHOWN:,} more"


def _since(path: Path) -> str:
    try:
        return f"since {datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC"
    except OSError:
        return "at a time that nobody knows"


def _took(seconds: float) -> str:
    return f"{seconds:,.1f} s" if seconds < 3600 else f"{hours(seconds / 3600)} hours"
