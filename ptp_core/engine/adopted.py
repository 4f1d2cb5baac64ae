"""Code and packages that a study's lock says to stand for older ones, so that the older ones' results stay valid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ptp_core.engine.stages import STAGES
from ptp_core.errors import UserError, Where
from ptp_core.identity.lockfile import Entry, lock_entries, read_lock

PREFIX = "adopted/"
_CODE = re.compile(r"adopted/code/([a-z_]+)/([0-9a-f]{64})")
_PACKAGE = re.compile(r"adopted/package/([A-Za-z0-9._-]+)/([^/\s]+)")
_DIGEST = re.compile(r"[0-9a-f]{64}")
MADE_OTHERWISE = "was made with other code or packages than its fingerprint names, and no adoption covers them"
"""What to say of a result that ``Adopted.covers`` denies."""
FIX = "correct or remove this line: without it, results of the older code count as stale"


class StageCode(Protocol):
    """What of a stage decides its results."""

    @property
    def code(self) -> str:
        """Digest of its code."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Package → version."""


Stages = Mapping[str, StageCode]


@dataclass(frozen=True)
class Counted:
    """A stage as a study counts it."""

    code: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Adopted:
    """What the lock says: (stage, digest) → older digest, and (package, version) → older version."""

    code: Mapping[tuple[str, str], str] = field(default_factory=dict)
    packages: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def stages(self) -> dict[str, Counted]:
        """Every stage as it counts with these."""
        return {
            name: Counted(
                _oldest(self.code, name, stage.code),
                {package: self.version(package, value) for package, value in stage.versions.items()},
            )
            for name, stage in STAGES.items()
        }

    def version(self, package: str, value: str) -> str:
        """The version that one stands for."""
        return _oldest(self.packages, package, value)

    def covers(self, receipt: Mapping[str, Any]) -> bool:
        """Whether what really made a result is what its identity names, or stands for it.

        It does not where a result was made under an adoption that was taken back, or that only another study has.
        """
        made, counted = receipt.get("made_with"), receipt.get("identity")
        if made is None or counted is None:
            return True  # an older receipt does not tell
        packages = {name: self.version(name, value) for name, value in made["packages"].items()}
        code = _oldest(self.code, receipt["stage"], made["code"])
        return bool(code == counted["code"] and packages == counted["packages"])


INSTALLED: Stages = STAGES
"""The stages as they are, where nothing is adopted."""


def stages_of(lock: Path) -> Stages:
    """The stages as the study of this lock counts them. Raises UserError, with its line, for a bad entry."""
    adopted = read_adopted(lock)
    # Without any, a stage is digested only when it is asked for.
    return adopted.stages() if adopted.code or adopted.packages else INSTALLED


def read_adopted(lock: Path) -> Adopted:
    """The entries of a lock; none if there is no lock. Raises UserError, with its line, for a bad entry."""
    # A lock has a line a result, and every planning comes by here; few locks adopt anything.
    if not lock.is_file() or PREFIX.encode() not in lock.read_bytes():
        return Adopted()
    read_lock(lock)  # refuses lines that contradict each other
    code: dict[tuple[str, str], str] = {}
    packages: dict[tuple[str, str], str] = {}
    for entry in lock_entries(lock):
        if entry.key.startswith(PREFIX):
            _read_entry(entry, Where(lock, entry.line), code, packages)
            for links in (code, packages):
                _refuse_cycle(entry, links, lock)
    return Adopted(code, packages)


def _read_entry(
    entry: Entry, where: Where, code: dict[tuple[str, str], str], packages: dict[tuple[str, str], str]
) -> None:
    as_code, as_package = _CODE.fullmatch(entry.key), _PACKAGE.fullmatch(entry.key)
    match = as_code or as_package
    if match is None:
        expected = "adopted/code/STAGE/DIGEST or adopted/package/NAME/VERSION"
        raise UserError("this adopts nothing", where=where, expected=expected, got=entry.key, fix=FIX)
    value = entry.value if isinstance(entry.value, dict) else {}
    older, reason = value.get("as"), value.get("reason")
    is_older = isinstance(older, str) and (_DIGEST.fullmatch(older) if as_code else older.strip() == older != "")
    if not is_older or not is_reason(reason):
        expected = '{"as": "' + ("64 hex digits" if as_code else "a version") + '", "reason": "one line"}'
        raise UserError("this adopts nothing", where=where, expected=expected, got=entry.value, fix=FIX)
    (code if as_code else packages)[match[1], match[2]] = str(older)


def is_reason(text: object) -> bool:
    """Whether it is one line that says something."""
    return isinstance(text, str) and bool(text.strip()) and text.isprintable()


def _oldest(links: Mapping[tuple[str, str], str], name: str, value: str) -> str:
    """The end of a chain; a cycle has been refused when the lock was read."""
    while (name, value) in links:
        value = links[name, value]
    return value


def _refuse_cycle(entry: Entry, links: Mapping[tuple[str, str], str], lock: Path) -> None:
    """Raise UserError if an entry, the last one read, closes a circle."""
    name, start = entry.key.split("/", 3)[2:4]
    value = start
    while (name, value) in links:
        value = links[name, value]
        if value == start:
            what = "this stands for itself in the end, so nothing says whose results to keep"
            raise UserError(what, where=Where(lock, entry.line), subject=entry.key, fix="remove one line of the circle")
