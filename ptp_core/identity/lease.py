"""A lease: a file that one process at a time holds, on one machine or on several that share a file system.

Kernel locks are not enough: NFS and Lustre, depending on how they are mounted, keep them to one machine. What is used
here is atomic on all of them: ``link`` creates a name or fails, ``rename`` replaces one.

* Taking: link one's own file to the name. It says who holds it, and its time is renewed every few seconds.
* Taking over: whoever finds the holder dead links its own file to a second name, made of the holder's token. Only one
  can have that name, and only who has it may replace or remove the lease of that holder; so it looks again whether
  the lease is still that holder's, and renames. Should it die in between, that name is taken over like the first.
* Letting go: the holder does the same with its own token, and removes the lease.
* A holder that was taken for dead and wakes up finds another token in the file, before it saves or publishes anything.
"""

from __future__ import annotations

import errno
import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ptp_core.errors import UserError, Where
from ptp_core.identity.owner import Owner, Terms, Watch, look, new_owner, surely_gone, to_json, token_of
from ptp_core.work import Busy, TakenOver

WAIT_LIMIT = "PTP_WAIT_SECONDS"
"""Environment variable: so long a process waits for another's lease at most; not set: as long as it takes."""
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def leased(path: Path, what: str, wait_seconds: float = 1.0, terms: Terms | None = None) -> Iterator[Lease]:
    """Hold a lease for as long as the block lasts; looks every ``wait_seconds`` whether it can be had.

    Raises Busy if somebody else holds it for longer than ``PTP_WAIT_SECONDS``, and UserError if the file system has no
    hard links.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lease = Lease(path, what, terms or Terms())
    try:
        lease.wait(wait_seconds)
        yield lease
    finally:
        lease.close()


class Lease:
    """One process' claim to a name."""

    def __init__(self, path: Path, what: str, terms: Terms) -> None:
        self.path, self.what, self.terms = path, what, terms
        self.owner = new_owner(terms.place)
        self.watch = Watch(terms)
        self.took_over = False
        self.predecessor_may_live = False
        """Whether the lease was taken over from a holder that was only not heard of any more."""
        self.file = path.with_name(f"{path.name}.{self.owner.token}.new")
        self.handle = _write(self.file, self.owner)
        self.ended = threading.Event()
        self.heart = threading.Thread(target=self._beat, name=f"lease of {what}", daemon=True)

    def wait(self, wait_seconds: float) -> None:
        """Wait until the lease is ours; says once for whom we wait."""
        limit, began, told = wait_limit(), self.terms.clock(), ""
        while not self._try():
            seen = look(self.path)
            if seen is not None and seen.beat and seen.owner.token != told:
                told = seen.owner.token
                print(f"waiting: {seen.owner} is making {self.what}, since {seen.owner.since}", flush=True)
            if self.terms.clock() - began >= limit:
                who = seen.owner if seen else "another process"
                raise Busy(f"{who} is making {self.what}; waited {limit:g} seconds ({WAIT_LIMIT})")
            time.sleep(wait_seconds if seen else 0.01)
        self.file.unlink(missing_ok=True)
        self.heart.start()

    def check(self) -> None:
        """Raise TakenOver if somebody else has taken us for dead; cheap enough to be asked before every save."""
        if token_of(self.path) != self.owner.token:
            # Now and then a network file system loses a reply: only what is seen twice is believed.
            time.sleep(0.05)
            if token_of(self.path) != self.owner.token:
                raise TakenOver(f"another process took over {self.what}, since this one had not been heard of for long")

    def close(self) -> None:
        """Let go, whatever has happened."""
        if os.getpid() != self.owner.pid:
            # A copy of the holder, made by a fork, has no say.
            return
        self.ended.set()
        if self.heart.ident:
            self.heart.join()
        # From now on it is nobody's, even if its name cannot be removed at once.
        with suppress(OSError):
            os.utime(self.handle, (0, 0))
        if token_of(self.path) == self.owner.token:
            self._remove()
        os.close(self.handle)
        self.file.unlink(missing_ok=True)

    def _try(self) -> bool:
        if _link(self.file, self.path):
            return True
        seen = look(self.path)
        if seen is None:
            return False
        # On NFS a link can be made and its answer be lost.
        if seen.owner.token == self.owner.token:
            return True
        if not self.watch.is_dead(seen, self._now()):
            return False
        self.predecessor_may_live = not surely_gone(seen, self.terms.place)
        self.took_over = self._replace(self.path, seen.owner)
        return self.took_over

    def _replace(self, path: Path, dead: Owner) -> bool:
        """Put our file in the place of a dead process' file; False if somebody else is about it or was faster."""
        right = self._right(dead)
        if not _link(self.file, right):
            seen = look(right)
            if seen is None or not (
                seen.owner.token == self.owner.token
                or (self.watch.is_dead(seen, self._now()) and self._replace(right, seen.owner))
            ):
                return False
        if token_of(path) != dead.token:
            right.unlink(missing_ok=True)
            return False
        with suppress(FileNotFoundError):
            right.rename(path)
        # Who slept between the two last lines has lost the right, perhaps to one who has put its own file there.
        return token_of(path) == self.owner.token

    def _remove(self) -> None:
        right = self._right(self.owner)
        ours = new_owner(self.terms.place)
        file = self.path.with_name(f"{self.path.name}.{ours.token}.new")
        with suppress(OSError):
            os.close(_write(file, ours))
            if _link(file, right):
                if token_of(self.path) == self.owner.token:
                    self.path.unlink()
                right.unlink()
        file.unlink(missing_ok=True)
        if self.took_over:
            self._sweep()

    def _sweep(self) -> None:
        """Remove what processes left behind that died while they waited or took over."""
        for path in self.path.parent.glob(f"{self.path.name}.*"):
            seen = look(path)
            if seen is not None and surely_gone(seen, self.terms.place):
                path.unlink(missing_ok=True)

    def _right(self, dead: Owner) -> Path:
        """The name whose owner may replace or remove the lease of another."""
        return self.path.with_name(f"{self.path.name}.{dead.token}")

    def _now(self) -> float:
        """The clock of the file system, which stamps the others' beats too; machines disagree by minutes."""
        os.utime(self.handle)
        return os.fstat(self.handle).st_mtime

    def _beat(self) -> None:
        while not self.ended.wait(self.terms.beat_seconds):
            # Through the open file: the name may be somebody else's by now.
            with suppress(OSError):
                os.utime(self.handle)


def wait_limit() -> float:
    """Seconds to wait for another process at most; infinite unless the user says otherwise. Raises UserError."""
    text = os.environ.get(WAIT_LIMIT, "")
    try:
        limit = float(text) if text else math.inf
    except ValueError:
        limit = math.nan
    if not limit >= 0:
        raise UserError("this is not a number of seconds", subject=WAIT_LIMIT, expected="0 or more", got=text)
    return limit


def _write(path: Path, owner: Owner) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    os.write(handle, to_json(owner))
    os.fsync(handle)
    return handle


def _link(file: Path, name: Path) -> bool:
    """Give a file a second name; False if the name is taken."""
    try:
        os.link(file, name)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        raise UserError(
            "this file system has no hard links, so that two processes could write the same result",
            where=Where(name.parent), fix="keep results on another, such as ext4, xfs, NFS, Lustre or BeeGFS",
        ) from None  # fmt: skip
    return True
