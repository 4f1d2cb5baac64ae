"""``ptp gc``: results that nobody needs, listed with size and age, and removed where that is asked for."""

from __future__ import annotations

import argparse
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ptp_core.engine.needed import Needed, days_since, needed
from ptp_core.engine.price_text import size
from ptp_core.errors import UserError, Where
from ptp_core.files import pretty_json
from ptp_core.identity.fingerprint import ID_LENGTH
from ptp_core.identity.receipts import RECEIPT
from ptp_core.identity.store import writer
from ptp_core.progress import Progress

TRASH = ".trash"
"""In the store: what is being removed. Its names are no results, so an interrupted removal leaves nothing half."""
LISTED = 50
_RESULT = re.compile(rf"[0-9a-f]{{{ID_LENGTH}}}(\.([^/]+\.)?partial)?")
"""Name of the folder of a result, or of half of one."""


@dataclass(frozen=True)
class Unneeded:
    """A folder of the store that nothing needs: a result, or half of one."""

    folder: Path
    bytes: int
    days: float
    """Since no study has needed it, or if that is not known since it was made."""

    @property
    def place(self) -> str:
        return place_of(self.folder)


def place_of(folder: Path) -> str:
    """``stage/id`` of a result's folder, finished or not."""
    return f"{folder.parent.name}/{folder.name.split('.')[0]}"


def unneeded(store: Path, kept: Needed, days: float) -> list[Unneeded]:
    """Results that are not needed and have not been for so many days, largest first."""
    found = []
    for folder in sorted(store.glob("*/*")):
        place = place_of(folder)
        # What is not called like a result was not made by us.
        if place in kept.places or not _RESULT.fullmatch(folder.name) or folder.is_symlink() or not folder.is_dir():
            continue
        mark = folder / RECEIPT
        ago = kept.days_ago.get(place, days_since(mark if mark.exists() else folder))
        if ago >= days:
            files = [path.lstat().st_size for path in folder.rglob("*") if path.is_file()]
            found.append(Unneeded(folder, sum(files), ago))
    return sorted(found, key=lambda one: (-one.bytes, one.place))


def old_manifests(store: Path, kept: Needed, days: float) -> Iterator[Path]:
    """What the code of stages was made of, where no result that is kept was made by that code."""
    for path in sorted((store / ".code").glob("*.json")):
        code = path.stem.rpartition("-")[2]
        if not any(known.startswith(code) for known in kept.codes) and days_since(path) >= days:
            yield path


def remove(one: Unneeded, store: Path, kept: Needed) -> bool:
    """Remove a result under its writer's lease; False if somebody may have come to need it meanwhile."""
    stage, identifier = one.place.split("/")
    with writer(store, stage, identifier):
        if not kept.is_as_read():
            return False
        aside = store / TRASH / f"{stage}-{identifier}-{secrets.token_hex(4)}"
        aside.mkdir(parents=True)
        # First out of the way, whole, by a rename; only then file by file.
        for folder in (store / one.place, *(store / stage).glob(f"{identifier}*.partial")):
            if folder.is_dir():
                folder.rename(aside / folder.name)
    shutil.rmtree(aside)
    return True


def run_gc(options: argparse.Namespace) -> None:
    """List what nobody needs, or remove it. Raises UserError where it cannot be known what is needed."""
    store: Path = options.results / "store"
    if not store.is_dir():
        raise UserError("there is no store here", subject=str(options.results), fix="give --results")
    if options.delete and store.is_symlink():
        what = "this store is a link, so studies of other results folders may use it as well; nothing was removed"
        raise UserError(what, where=Where(store), fix="give --results as the folder above the store that it leads to")
    kept = needed(options.results, options.specs or [Path("specs")], options.older_than)
    found = unneeded(store, kept, options.older_than)
    files = [*kept.old_files, *old_manifests(store, kept, options.older_than)]
    if options.json:
        print(_json(found, files, options.delete).rstrip())
    else:
        print(_text(found, files, options))
    if options.delete:
        _delete(found, files, store, kept)


def _delete(found: Sequence[Unneeded], files: Sequence[Path], store: Path, kept: Needed) -> None:
    shutil.rmtree(store / TRASH, ignore_errors=True)
    # Children first: what is left after an interruption has its parents.
    with Progress(sum(one.bytes for one in found), "B", "gc") as progress:
        for one in found:
            if not remove(one, store, kept):
                raise UserError(
                    "a study or a lock has changed meanwhile, so nothing more was removed", subject="gc",
                    fix="run it again",
                )  # fmt: skip
            progress.advance(one.bytes, one.place)
    if kept.is_as_read():
        for path in files:
            path.unlink(missing_ok=True)


def _json(found: Sequence[Unneeded], files: Sequence[Path], deleted: bool) -> str:
    results = [{"place": one.place, "bytes": one.bytes, "days": round(one.days, 2)} for one in found]
    return pretty_json({"results": results, "files": [str(path) for path in files], "deleted": deleted})


def _text(found: Sequence[Unneeded], files: Sequence[Path], options: argparse.Namespace) -> str:
    lines = [f"{size(one.bytes):>9}  {one.days:5.0f} days  {one.folder}" for one in found[:LISTED]]
    if len(found) > LISTED:
        lines.append(f"… and {len(found) - LISTED:,} more")
    parts = [(len(found), f"result, {size(sum(one.bytes for one in found))}"), (len(files), "small file")]
    total = ", ".join(_counted(*part) for part in parts if part[0])
    if not found and not files:
        return "Everything in the store is needed, or was lately."
    end = "removed" if options.delete else "nothing needs them; ptp gc --delete removes them"
    return "\n".join([*lines, f"{total}: {end}"])


def _counted(count: int, what: str) -> str:
    """``3, result, 1 GB`` → ``3 results, 1 GB``."""
    name, comma, rest = what.partition(",")
    return f"{count:,} {name}{'s' * (count > 1)}{comma}{rest}"
