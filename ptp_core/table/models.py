"""Which model a result file is about: the variant and how far it was trained, from its arguments or a pattern."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from ptp_core.errors import UserError, Where
from ptp_core.spec.quantities import parse_count

NAMED_BY = ("peft", "delta", "pretrained", "model", "path", "engine")
"""The model arguments that name a model, in the harness' own order."""
GROUPS = ("variant", "step", "tokens", "seed")
"""What a pattern may find."""
_STEP = re.compile(r"(?:^|[-_/])(?:global_?)?(?:step|checkpoint|ckpt|iter)[-_]?(\d+)(?:-tokens\d+B)?$", re.IGNORECASE)
"""As revisions and folders of checkpoints are called; OLMo's say the tokens as well, too coarsely to be of use."""


@dataclass(frozen=True)
class Model:
    """Variant, and checkpoint where it is known."""

    name: str
    """Without the step."""
    step: int | None
    tokens: int | None
    seed: int | None
    variant: str
    """As the table calls it."""
    origin: str = ""
    """Where it came from, without the step: two origins under one name would pass for one model."""


@dataclass(frozen=True)
class Naming:
    """How files are told apart."""

    pattern: re.Pattern[str] | None = None
    tokens_per_step: int | None = None
    checkpoints: Literal["variants", "points"] = "variants"

    def model(self, path: Path, arguments: str | Mapping[str, Any] | None) -> Model:
        """The model of a result file. Raises UserError when nothing names it, or its tokens are not known."""
        found = self._found(path, arguments)
        name, step = found.get("variant"), _whole(found.get("step"), "step", path)
        tokens, seed = _whole(found.get("tokens"), "tokens", path), _whole(found.get("seed"), "seed", path)
        own_name, own_step, origin = _from_arguments(arguments)
        # Who names variants by a pattern may mean several origins by one name; a step that these say, such as
        # checkpoint-500 of a fine-tuning, would split the variant again.
        origin, own_step = ("", None) if name else (origin, own_step)
        step = own_step if step is None else step
        name = name or own_name
        if not name:
            fix = "name it by a pattern over the path: --variant '(?P<variant>[^/]+)/results_'"
            raise UserError("no argument of the model names it", where=Where(path), got=arguments, fix=fix)
        if tokens is None and step is not None and self.tokens_per_step is not None:
            tokens = step * self.tokens_per_step
        if self.checkpoints == "points":
            if step is not None and tokens is None:
                fix = "say --tokens-per-step N, or --checkpoints variants"
                raise UserError("the tokens of a step are not known", where=Where(path), got=f"step {step}", fix=fix)
            return Model(name, step, tokens, seed, name, origin)
        marked = f"{name}-step{step}" if step is not None else f"{name}-{tokens}" if "tokens" in found else name
        return Model(name, step, tokens, seed, marked, origin)

    def _found(self, path: Path, arguments: str | Mapping[str, Any] | None) -> dict[str, str]:
        if self.pattern is None:
            return {}
        texts = (path.as_posix(), written(arguments))
        match = self.pattern.search(texts[0]) or self.pattern.search(texts[1])
        if not match:
            fix = f"correct --variant {self.pattern.pattern!r}"
            raise UserError("--variant matches neither path nor model", where=Where(path), got=texts[1], fix=fix)
        return {key: value for key, value in match.groupdict().items() if value}


def compile_naming(text: str) -> re.Pattern[str]:
    """The pattern of ``--variant``. Raises UserError when it is none, or names none of ``GROUPS``."""
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UserError("not a regular expression", subject="--variant", got=text, fix=str(error)) from None
    strange = set(pattern.groupindex) - set(GROUPS)
    if strange or not pattern.groupindex:
        wanted = "at least one of the named groups " + ", ".join(f"(?P<{name}>…)" for name in GROUPS)
        raise UserError("the pattern names the wrong groups", subject="--variant", expected=wanted, got=text)
    return pattern


def written(arguments: str | Mapping[str, Any] | None) -> str:
    """Model arguments as one writes them: ``pretrained=…,revision=…``."""
    if isinstance(arguments, Mapping):
        return ",".join(f"{key}={value}" for key, value in arguments.items())
    return arguments or ""


def _from_arguments(arguments: str | Mapping[str, Any] | None) -> tuple[str | None, int | None, str]:
    """Name, step and origin: of ``pretrained=org/model,revision=step1000`` or of a folder ``…/model/checkpoint-1000``.

    A revision that is no step is a part of the name, but for the main one.
    """
    pairs = dict(part.split("=", 1) for part in written(arguments).split(",") if "=" in part)
    origin = next((pairs[key] for key in NAMED_BY if pairs.get(key)), "").rstrip("/")
    if not origin:
        return None, None, ""
    revision = pairs.get("revision", "main")
    step = _STEP.search(revision)
    if step:
        return PurePosixPath(origin).name, int(step[1]), origin
    step = _STEP.search(origin)
    if step and PurePosixPath(origin[: step.start()]).name:
        return PurePosixPath(origin[: step.start()]).name, int(step[1]), origin[: step.start()]
    name = PurePosixPath(origin).name
    return (name if revision in ("main", "None", "") else f"{name}-{revision}"), None, origin


def _whole(text: str | None, what: str, path: Path) -> int | None:
    if text is None:
        return None
    try:
        return int(parse_count(text))
    except ValueError as error:
        raise UserError(f"{what} found by --variant", where=Where(path), got=text, fix=str(error)) from None
