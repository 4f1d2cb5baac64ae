"""From pydantic's errors to ours: file:line, the key's full path, what was expected, and the nearest known key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ptp_core.errors import UserError, Where, did_you_mean
from ptp_core.spec.yaml_lines import Lines, PlacePath


def line_of(lines: Lines, place: PlacePath) -> int | None:
    """The line of a place, or of the nearest thing around it that was written."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place)


def dotted(place: PlacePath) -> str:
    """``("pretrain", "include", 0, "lr")`` → ``pretrain.include[0].lr``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def translate(
    error: ValidationError, model: type[BaseModel], data: Any, path: Path, lines: Lines, prefix: PlacePath = ()
) -> list[UserError]:
    """One UserError per place that pydantic complains about; ``data`` is what was validated, at ``prefix`` in the file."""
    found: dict[PlacePath, UserError] = {}
    for detail in error.errors(include_url=False):
        place = _place(detail["loc"], data, detail["type"] in ("missing", "extra_forbidden"))
        full = (*prefix, *place)
        # A union complains once for each of its members: the first complaint about a place is enough.
        found.setdefault(full, _explain(detail, model, place, Where(path, line_of(lines, full)), dotted(full)))
    return list(found.values())


def _explain(detail: ErrorDetails, model: type[BaseModel], place: PlacePath, where: Where, subject: str) -> UserError:
    if detail["type"] == "extra_forbidden":
        known = _known_keys(model, place[:-1])
        return UserError("unknown key", where=where, subject=subject, fix=did_you_mean(str(place[-1]), known))
    if detail["type"] == "missing":
        return UserError("this key is needed", where=where, subject=subject)
    message = detail["msg"].removeprefix("Value error, ")
    if message.startswith("Input should be "):
        expected = message.removeprefix("Input should be ").split(", unable to")[0]
        return UserError("", where=where, subject=subject, expected=expected, got=detail["input"])
    if detail["type"] == "string_pattern_mismatch":
        return UserError(
            "", where=where, subject=subject, expected="a name of letters, digits and _ . + -", got=detail["input"]
        )
    shown = None if isinstance(detail["input"], dict | list) else detail["input"]
    return UserError(message, where=where, subject=subject, got=shown)


def _place(loc: tuple[int | str, ...], data: Any, keep_last: bool) -> PlacePath:
    """Drop what pydantic adds to a location (names of union members and validators) and keep the keys in ``data``."""
    place: list[str | int] = []
    for part in loc:
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list | tuple) and isinstance(part, int) and part < len(data):
            data = data[part]
        elif not (keep_last and part == loc[-1]):
            continue
        place.append(part)
    return tuple(place)


def _known_keys(model: type[BaseModel], place: PlacePath) -> set[str]:
    models = {model}
    for part in place:
        fields = [m.model_fields[part] for m in models if isinstance(part, str) and part in m.model_fields]
        if fields:
            models = {inner for field in fields for inner in _models_in(field.annotation)}
    extra = {"preset"} if any(m.__name__ == "Model" for m in models) else set()
    return {name for m in models for name in m.model_fields} | extra


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
