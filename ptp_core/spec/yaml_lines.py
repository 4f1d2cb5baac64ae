"""YAML with line numbers: plain data beside a map from each place in it to the line it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ptp_core.errors import UserError, Where

PlacePath = tuple[str | int, ...]
Lines = dict[PlacePath, int]

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MAX_NODES = 2_000_000
"""A spec of more nodes than this is refused."""
MAX_REPEATED = 50_000
"""So is one in which aliases (of aliases) repeat more nodes than this: a few lines could keep us busy for a minute."""
MAX_DEPTH = 50
"""A spec nested deeper than this is refused before the recursive parser, written in C, runs out of stack."""


class _Reader:
    """Turns a tree of YAML nodes into plain data, remembering lines and refusing repeated keys."""

    def __init__(self, path: Path, loader: Any) -> None:
        self.path, self.loader = path, loader
        self.lines: Lines = {}
        self.nodes = 0
        self.seen: set[int] = set()

    def read(self, node: yaml.Node, place: PlacePath) -> Any:
        self.nodes += 1
        self.seen.add(id(node))
        if self.nodes > MAX_NODES or self.nodes - len(self.seen) > MAX_REPEATED:
            where, limit = Where(self.path, node.start_mark.line + 1), min(self.nodes - 1, MAX_NODES)
            raise UserError(f"more than {limit:,} values", where=where, fix="remove nested YAML aliases")
        if len(place) > MAX_DEPTH:
            raise _too_deep(self.path, node.start_mark)
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(child, (*place, i)) for i, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, place: PlacePath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            where = Where(self.path, key_node.start_mark.line + 1)
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key == "<<":
                raise UserError("keys must be plain words", where=where, fix="write the keys out; merges are not read")
            if key in result:
                raise UserError(f'key "{key}" is written twice', where=where, fix="keep one of the two")
            # The key's line, not the value's: a value may start on the next line.
            self.lines[(*place, key)] = where.line or 1
            result[key] = self.read(value_node, (*place, key))
        return result

    def _scalar(self, node: yaml.Node) -> Any:
        where = Where(self.path, node.start_mark.line + 1)
        try:
            value = self.loader.construct_object(node)
            repr(value)  # An int of thousands of digits can be neither shown nor used.
        except Exception as error:  # Under an explicit tag PyYAML's constructors raise whatever breaks in them.
            raise UserError("a value that YAML cannot read", where=where, got=_first_line(error)) from None
        if value is None or isinstance(value, str | int | float | bool):
            return value
        # Dates, sets and bytes are the only other things the safe loader makes; a spec has no use for them.
        return node.value


def load_yaml(path: Path) -> tuple[Any, Lines]:
    """Plain data of one YAML file (safe loader only), and the line of every key and value in it.

    Raises UserError, with file and line, for a missing or unreadable file, broken YAML and repeated keys.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError("no such file", where=Where(path), fix="give the path of a study's YAML file") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        got = f"byte 0x{error.object[error.start]:02x}"
        raise UserError("cannot be read as UTF-8 text", where=Where(path, line), got=got) from None
    except OSError as error:
        raise UserError("cannot be read", where=Where(path), got=error.strerror) from None
    loader = _Loader(text)
    try:
        _refuse_deep_nesting(text, path)
        node = loader.get_single_node()
        reader = _Reader(path, loader)
        data = reader.read(node, ()) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark and mark.line >= len(text.splitlines()):
            mark = error.context_mark or mark  # What is never closed is found at the end, but meant where it opens.
        what = ", ".join(part for part in ("broken YAML", error.context, error.problem) if part)
        raise UserError(what, where=Where(path, mark.line + 1 if mark else None)) from None
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        raise UserError(f"broken YAML, {error.reason}", where=Where(path, line)) from None
    finally:
        loader.dispose()
    return data, reader.lines


def _refuse_deep_nesting(text: str, path: Path) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep(path, event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _too_deep(path: Path, mark: Any) -> UserError:
    return UserError(f"nested more than {MAX_DEPTH} levels deep", where=Where(path, mark.line + 1))
