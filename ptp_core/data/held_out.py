"""Which documents are equal, and which are held out: both by the content alone."""

from __future__ import annotations

import hashlib


def content_digest(text: str) -> bytes:
    """16 bytes that are equal for equal documents: those that differ in white space alone count as equal."""
    return hashlib.blake2b(" ".join(text.split()).encode(), digest_size=16).digest()


def is_held_out(text: str, share: float) -> bool:
    """Whether a document is held out: by its content, so that equal documents are on one side."""
    return digest_is_held_out(content_digest(text), share)


def digest_is_held_out(digest: bytes, share: float) -> bool:
    """The same for a document whose digest is known. Only its first half is used: the other tells documents apart."""
    return int.from_bytes(digest[:8], "big") < share * 2**64
