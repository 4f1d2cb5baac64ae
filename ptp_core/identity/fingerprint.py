"""The fingerprint of a job: what it is, from which parents, from which data, by which code, with which packages."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel

ID_LENGTH = 24
"""Hex digits of a fingerprint that name files and folders: 96 bits, ample for any store."""


def identity_of(section: BaseModel) -> dict[str, Any]:
    """The identity fields of a section that differ from their schema default, nested sections likewise.

    Leaving defaults out means that a new field with a default makes nothing stale. Changing the default of a field
    makes its readers stale all the same, through the code closure of their stage.
    """
    result: dict[str, Any] = {}
    for name, required, default in _identity_fields(type(section)):
        value = _plain(getattr(section, name))
        # Compared as identities: a default section with another execution field is still the default.
        if required or value != default:
            result[name] = value
    return result


@cache
def _identity_fields(section: type[BaseModel]) -> tuple[tuple[str, bool, Any], ...]:
    """(name, whether it has to be written, default as it is compared) of a section's identity fields."""
    found = []
    for name, field in section.model_fields.items():
        extra = field.json_schema_extra
        if not isinstance(extra, dict) or extra.get("role") not in ("identity", "execution"):
            raise TypeError(f"{section.__name__}.{name} is marked neither identity nor execution")
        if extra["role"] == "identity":
            default = None if field.is_required() else _plain(field.get_default(call_default_factory=True))
            found.append((name, field.is_required(), default))
    return tuple(found)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return identity_of(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def content(
    stage: str,
    settings: BaseModel,
    parents: Mapping[str, str],
    inputs: Mapping[str, str],
    code: str,
    packages: Mapping[str, str],
) -> dict[str, Any]:
    """Everything that decides a job's result; its digest is the job's fingerprint, and receipts keep it.

    ``parents``: role → fingerprint. ``inputs``: role → digest of the data. ``code``: digest of the stage's closure.
    """
    return {
        "stage": stage,
        "settings": identity_of(settings),
        "parents": dict(parents),
        "inputs": dict(inputs),
        "code": code,
        "packages": dict(packages),
    }


@cache
def package_version(name: str) -> str:
    """The installed version without its local part: a CPU and a CUDA build of one release count as one."""
    return version(name).split("+")[0]
