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
"""A spec that expands to more nodes than this (through aliases of aliases) is refused, not chased."""


class _Reader:
    """Turns a tree of YAML nodes into plain data, remembering lines and refusing repeated keys."""

    def __init__(self, path: Path, loader: Any) -> None:
        self.path, self.loader = path, loader
        self.lines: Lines = {}
        self.nodes = 0

    def read(self, node: yaml.Node, place: PlacePath) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise UserError(f"more than {MAX_NODES:,} values", where=Where(self.path), fix="remove nested YAML aliases")
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
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            raise UserError("a value that YAML cannot read", where=where, got=str(error).splitlines()[0]) from None
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
    except (OSError, UnicodeDecodeError) as error:
        raise UserError("cannot be read as UTF-8 text", where=Where(path), got=str(error)) from None
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        reader = _Reader(path, loader)
        data = reader.read(node, ()) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UserError(
            "broken YAML", where=Where(path, mark.line + 1 if mark else None), got=error.problem or str(error)
        ) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise UserError("broken YAML", where=Where(path), got=str(error).splitlines()[0]) from None
    finally:
        loader.dispose()
    return data, reader.lines
