"""Who writes something, and whether that process is still there."""

from __future__ import annotations

import json
import os
import platform
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

BEAT_SECONDS = 5.0
"""A writer says so often that it lives."""
TIMEOUT_SECONDS = 120.0
"""A writer on another machine that has not said so for this long is dead. Long: a file server may stall, and whoever is
taken for dead wrongly loses what it has made since its last saved state."""
LOOK_BEATS = 3
"""Before that, whoever waits has to see for itself that so many beats are missing: after a stall of the file server all
writers look dead, and the living need a moment to say that they are not."""


@dataclass(frozen=True)
class Place:
    """Where a process number means one process: one boot of one machine, in one PID namespace."""

    host: str
    boot: str
    namespace: str


def here() -> Place:
    """The place of this process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        # Nobody can be looked up where there is no /proc: a place that equals no other leaves it to the beat.
        boot, namespace = secrets.token_hex(8), ""
    return Place(platform.node(), boot, namespace)


@dataclass(frozen=True)
class Terms:
    """How leases are kept; only tests want others."""

    place: Place = field(default_factory=here)
    beat_seconds: float = BEAT_SECONDS
    timeout_seconds: float = TIMEOUT_SECONDS
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Owner:
    """What a lease says of its holder."""

    token: str
    """Random: no two leases share it."""
    place: Place
    pid: int
    started: str
    """When the kernel started the process, in its own ticks: tells a process from a later one with its number."""
    slurm_job: str
    since: str

    def __str__(self) -> str:
        job = f" (Slurm job {self.slurm_job})" if self.slurm_job else ""
        return f"process {self.pid} on {self.place.host}{job}"


class Seen(NamedTuple):
    """A lease as it was when somebody looked."""

    owner: Owner
    beat: float
    """When its holder last said that it lives, by the clock of the file system; 0: it has let go."""


def new_owner(place: Place) -> Owner:
    """This process as the holder of a new lease."""
    return Owner(
        token=secrets.token_hex(8),
        place=place,
        pid=os.getpid(),
        started=_started(os.getpid()) or "",
        slurm_job=os.environ.get("SLURM_JOB_ID", ""),
        since=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
    )


def to_json(owner: Owner) -> bytes:
    return json.dumps(asdict(owner), indent=1).encode() + b"\n"


def look(path: Path) -> Seen | None:
    """The lease in a file, or None if there is none. Opening it makes NFS ask the server how it is now."""
    try:
        with path.open("rb") as stream:
            content, state = stream.read(), os.fstat(stream.fileno())
    except OSError:
        # Not there, or replaced while we read it, which NFS calls stale.
        return None
    try:
        raw = json.loads(content)
        owner = Owner(**raw | {"place": Place(**raw["place"])})
    except (ValueError, TypeError, KeyError):
        # A crash of the machine can lose what was written; only its age tells whose it may still be.
        owner = Owner(f"damaged-{state.st_ino}", Place("?", "?", "?"), 0, "", "", "?")
    return Seen(owner, state.st_mtime)


def token_of(path: Path) -> str | None:
    """Whose lease it is; None if there is none."""
    seen = look(path)
    return seen.owner.token if seen else None


def surely_gone(seen: Seen, place: Place) -> bool:
    """Whether a holder has let go, or was a process of this place that is no more."""
    if seen.beat == 0:
        return True
    return seen.owner.place == place and _started(seen.owner.pid) != seen.owner.started


def is_silent(seen: Seen, now: float, terms: Terms) -> bool:
    """Whether a holder elsewhere has not been heard of for too long; ``now`` by the clock of the file system.

    A process of this place is alive as long as the kernel has it, however long it may be stopped.
    """
    return seen.owner.place != terms.place and now - seen.beat > terms.timeout_seconds


class Watch:
    """What one waiter has seen of others, so that a stall of the file server is not taken for their death."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.first: dict[str, tuple[float, float]] = {}
        """Token → beat, and when we first saw it, by our own clock."""

    def is_dead(self, seen: Seen, now: float) -> bool:
        """Whether a lease may be taken over."""
        if surely_gone(seen, self.terms.place):
            return True
        beat, since = self.first.get(seen.owner.token, (None, 0.0))
        if beat != seen.beat:
            since = self.terms.clock()
            self.first[seen.owner.token] = (seen.beat, since)
        looked = self.terms.clock() - since
        return is_silent(seen, now, self.terms) and looked >= LOOK_BEATS * self.terms.beat_seconds


def _started(pid: int) -> str | None:
    """When the kernel started a process; None if it is gone, or dead and not yet buried."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The name of the program, in brackets, may hold anything.
    state, *rest = text.rpartition(")")[2].split()
    return None if state in "ZX" else rest[18]
