"""From pydantic's errors to ours: file:line, the key's full path, what was expected, and the nearest known key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ptp_core.errors import UserError, Where, did_you_mean, shorten
from ptp_core.spec.fields import NAME_LENGTH
from ptp_core.spec.yaml_lines import Lines, PlacePath

EXPLAINED = 200
"""Mistakes that are put into words; of more than that only the number is said."""


def line_of(lines: Lines, place: PlacePath) -> int | None:
    """The line of a place, or of the nearest thing around it that was written."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place)


def dotted(place: PlacePath) -> str:
    """``("pretrain", "include", 0, "lr")`` → ``pretrain.include[0].lr``; a key that would not print is quoted."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_printable(part)}" for part in place)
    return text.removeprefix(".")


def _printable(key: str) -> str:
    return key if key and key.isprintable() else shorten(key)


def translate(
    error: ValidationError, model: type[BaseModel], data: Any, path: Path, lines: Lines, prefix: PlacePath = ()
) -> list[UserError]:
    """One UserError per place that pydantic complains about; ``data`` is what it read, at ``prefix`` in the file."""
    found: dict[PlacePath, ErrorDetails] = {}
    for detail in error.errors(include_url=False):
        # A union complains once for each of its members: the first complaint about a place is enough.
        found.setdefault(_place(detail["loc"], data, detail["type"] in ("missing", "extra_forbidden")), detail)
    # A list or mapping is complained about as a whole by the other member of its union: the deeper complaint is meant.
    around = {place[:i] for place in found for i in range(len(place))}
    faults: list[UserError] = []
    for place in (place for place in found if place not in around):
        full = (*prefix, *place)
        where, subject = Where(path, line_of(lines, full)), dotted(full)
        # Looking for the nearest key takes time, and a long list is not shown to its end.
        explained = len(faults) < EXPLAINED
        fault = _explain(found[place], model, place, where, subject) if explained else UserError("", where=where)
        faults.append(fault)
    return faults


def _explain(detail: ErrorDetails, model: type[BaseModel], place: PlacePath, where: Where, subject: str) -> UserError:
    if detail["type"] == "extra_forbidden":
        known = _known_keys(model, place[:-1])
        return UserError("unknown key", where=where, subject=subject, fix=did_you_mean(str(place[-1]), known))
    if detail["type"] == "missing":
        return UserError("this key is needed", where=where, subject=subject)
    message, given = detail["msg"].removeprefix("Value error, "), detail["input"]
    expected = _expected(detail["type"], message)
    if expected:
        what = "nothing is written here" if given is None else ""
        return UserError(what, where=where, subject=subject, expected=expected, got=given)
    # Our own validators often quote the value in their message.
    shown = None if isinstance(given, dict | list) or str(given) in message else given
    return UserError(message, where=where, subject=subject, got=shown)


_EXPECTED = {
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "too_short": "at least one entry",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_pattern_mismatch": f"a name of at most {NAME_LENGTH} letters, digits and _ . + -, a letter or digit first",
}
"""Pydantic's kinds of error, where its own words are those of a programmer."""


def _expected(kind: str, message: str) -> str | None:
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    if kind.startswith(("greater_than", "less_than")):
        return message.replace("Input should be", "a number")
    return message.removeprefix("Input should be ") if message.startswith("Input should be ") else None


def _place(loc: tuple[int | str, ...], data: Any, keep_last: bool) -> PlacePath:
    """Drop what pydantic adds to a location (names of union members and validators) and keep the keys in ``data``."""
    place: list[str | int] = []
    for part in loc:
        in_list = isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)
        if in_list or (isinstance(data, dict) and part in data):
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
