"""A mistake that only the data shows, told with the line of the spec that asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ptp_core.errors import UserError, Where


@contextmanager
def told_with_its_line(places: Mapping[str, Sequence[Any]]) -> Iterator[None]:
    """Give a UserError about a key of the spec, named in its subject, the file and line of that key.

    ``places``: dotted key → (file, line). An error that has a place already, or is about no key, passes unchanged.
    """
    try:
        yield
    except UserError as error:
        place = _place(error.subject, places)
        if error.where or place is None:
            raise
        raise UserError(
            error.what,
            where=Where(*place),
            subject=error.subject,
            expected=error.expected,
            got=error.got,
            fix=error.fix,
        ) from None


def _place(subject: str | None, places: Mapping[str, Sequence[Any]]) -> Sequence[Any] | None:
    """The place of the key, or of the nearest section around it."""
    key = subject or ""
    while key and key not in places:
        key = key.rpartition(".")[0]
    return places.get(key)
