"""``ptp export --crate``: a finished study as a Workflow Run RO-Crate, a folder or a zip file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from urllib.parse import unquote

from ptp_core.engine.export.contents import WEIGHTS, contents_of
from ptp_core.engine.export.described import PTP, Description
from ptp_core.engine.export.finished import FinishedStudy
from ptp_core.engine.export.placing import BLOCK, built_aside, check_space, check_target, copy_checked, put_in_place
from ptp_core.files import pretty_json
from ptp_core.progress import Progress

METADATA = "ro-crate-metadata.json"
FIRST_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can say."""
ZIP64_BYTES = 1 << 31
MARGIN_BYTES = 1 << 20


def export_crate(
    study: FinishedStudy, target: Path, with_weights: bool, day: str | None, license_id: str | None, force: bool
) -> list[str]:
    """Write the crate, all of it or nothing; returns what to tell. The same results give the same bytes.

    ``day``: of publication, ISO 8601; None: the day on which the last job ended. Raises UserError.
    """
    check_target(target, study.folders.store, force, is_ours)
    contents = contents_of(study, with_weights)
    day = day or study.last_day
    metadata = Description(study, contents, with_weights).metadata(day, license_id)
    size = sum(content.bytes for content in contents.values())
    zipped = target.suffix.lower() == ".zip"
    check_space(target, size * (2 if zipped else 1) + MARGIN_BYTES)
    with built_aside(target) as aside, Progress(size * (2 if zipped else 1), "B", f"export {target.name}") as progress:
        built = aside / "crate"
        for content in contents.values():
            copy_checked(content.source, built / content.place, content.sha256, progress)
        (built / METADATA).write_text(pretty_json(metadata), encoding="utf-8")
        if zipped:
            built = _zip(built, list(contents), aside / "crate.zip", progress)
        put_in_place(built, target, force, is_ours)
    return [f"{target}: RO-Crate of study {study.name}, {len(contents) + 1:,} files", *_unknown(day, license_id)]


def _unknown(day: str | None, license_id: str | None) -> list[str]:
    """What the formats want and nobody has said."""
    notes = [] if day else ["The day of publication is not known, and RO-Crate wants one: add --date YYYY-MM-DD."]
    return notes + ([] if license_id else ["No licence is known, and Workflow RO-Crate wants one: add --license ID."])


def is_ours(path: Path) -> bool:
    """Whether a crate that we wrote is all there is at a path."""
    try:
        if path.is_dir():
            metadata = json.loads((path / METADATA).read_text(encoding="utf-8"))
            there = {p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_symlink() or not p.is_dir()}
        else:
            with zipfile.ZipFile(path) as archive:
                metadata, there = json.loads(archive.read(METADATA)), set(archive.namelist())
        identifiers = {str(entity["@id"]) for entity in metadata["@graph"]}
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile):
        # What is locked by a password is a RuntimeError.
        return False
    return PTP in identifiers and there <= {unquote(identifier) for identifier in identifiers}


def _zip(folder: Path, places: list[str], target: Path, progress: Progress) -> Path:
    """The folder as a zip file whose bytes depend on its files alone."""
    with zipfile.ZipFile(target, "w") as archive:
        for place in (METADATA, *sorted(places)):
            path, info = folder / place, zipfile.ZipInfo(place, FIRST_TIME)
            # Weights do not shrink.
            info.compress_type = zipfile.ZIP_STORED if place.endswith(WEIGHTS) else zipfile.ZIP_DEFLATED
            info.external_attr, info.create_system = 0o644 << 16, 3
            large = path.stat().st_size >= ZIP64_BYTES
            with path.open("rb") as source, archive.open(info, "w", force_zip64=large) as out:
                while block := source.read(BLOCK):
                    out.write(block)
                    progress.advance(len(block) if place != METADATA else 0)
    return target
