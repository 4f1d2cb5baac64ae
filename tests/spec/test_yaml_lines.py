from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from ptp_core.errors import UserError
from ptp_core.spec import yaml_lines
from ptp_core.spec.yaml_lines import MAX_DEPTH, MAX_REPEATED, Lines, load_yaml


def read(folder: Path, text: str | bytes) -> tuple[Any, Lines]:
    path = folder / "x.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_yaml(path)


def fault(folder: Path, text: str | bytes) -> str:
    with pytest.raises(UserError) as caught:
        read(folder, text)
    return str(caught.value).removeprefix(str(folder / "x.yaml"))


class TestLines:
    def test_every_key_and_entry_has_its_line(self, tmp_path: Path) -> None:
        data, lines = read(tmp_path, "# a comment\na: 1\nb:\n  c:\n    - x\n    -\n      d: 2\n")
        assert data == {"a": 1, "b": {"c": ["x", {"d": 2}]}}
        expected = {("a",): 2, ("b",): 3, ("b", "c"): 4, ("b", "c", 0): 5, ("b", "c", 1): 7, ("b", "c", 1, "d"): 7}
        assert {place: lines[place] for place in expected} == expected

    def test_a_key_counts_not_its_value_that_starts_below(self, tmp_path: Path) -> None:
        _, lines = read(tmp_path, "a:\n\n\n  b\n")
        assert lines[("a",)] == 1

    def test_windows_line_ends_count_once(self, tmp_path: Path) -> None:
        _, lines = read(tmp_path, "a: 1\r\nb: 2\r\n")
        assert lines[("b",)] == 2

    def test_a_byte_order_mark_is_passed_over(self, tmp_path: Path) -> None:
        assert read(tmp_path, b"\xef\xbb\xbfa: 1\n")[0] == {"a": 1}


class TestValues:
    def test_keys_are_text_whatever_they_look_like(self, tmp_path: Path) -> None:
        assert read(tmp_path, "on: 1\n2: 3\nnull: 4\n")[0] == {"on": 1, "2": 3, "null": 4}

    def test_dates_stay_text(self, tmp_path: Path) -> None:
        assert read(tmp_path, "a: 2020-01-01\n")[0] == {"a": "2020-01-01"}

    def test_an_alias_is_its_anchor(self, tmp_path: Path) -> None:
        assert read(tmp_path, "a: &x [1, 2]\nb: *x\n")[0] == {"a": [1, 2], "b": [1, 2]}

    @pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
    def test_an_empty_file_is_nothing(self, tmp_path: Path, text: str) -> None:
        assert read(tmp_path, text)[0] is None

    def test_no_python_object_is_made(self, tmp_path: Path) -> None:
        assert "python/name" in fault(tmp_path, "a: !!python/name:os.system\n")
        assert read(tmp_path, 'a: !!python/object/apply:os.system ["false"]\n')[0] == {"a": ["false"]}


class TestBrokenYaml:
    @pytest.mark.parametrize(
        ("text", "line", "words"),
        [
            ("a: 1\nb: 2\na: 3\n", 3, 'key "a" is written twice; keep one of the two'),
            ("a: {x: 1, y: 2,\n x: 3}\n", 2, 'key "x" is written twice'),
            ("a: &a {x: 1}\nb:\n  <<: *a\n", 3, "keys must be plain words"),
            ("? [a, b]\n: 1\n", 1, "keys must be plain words"),
            ("a: 1\n\tb: 2\n", 2, "tab character"),
            ("a: 1\n---\nb: 2\n", 2, "a single document in the stream"),
            ("a: [1, 2\nb: 3\n", 2, "while parsing a flow sequence"),
            ("a: 1\nb: [1, 2\n\n", 2, "while parsing a flow sequence"),
            ("a: 1\nb: 'one\n\n", 2, "while scanning a quoted scalar"),
            ("a: *nowhere\n", 1, "undefined alias"),
            ("a: &x 1\nb: &x 2\n", 2, "duplicate anchor"),
            ("a: 1\nb: !thing x\n", 2, "could not determine a constructor"),
            ("a: !!int x\n", 1, "a value that YAML cannot read"),
            ("a: !!bool x\n", 1, "a value that YAML cannot read"),
            ("a: !!timestamp x\n", 1, "a value that YAML cannot read"),
            ("a: 2020-13-45\n", 1, "month must be in 1..12"),
            ("a: 1\nb: 0x" + "f" * 5000 + "\n", 2, "a value that YAML cannot read"),
            ("a: 1\nb: \x01\n", 2, "control characters are not allowed"),
            ("a: 1\nb: x\0y\n", 2, "control characters are not allowed"),
            (b"a: 1\n# ok\nb: \xff\n", 3, "cannot be read as UTF-8 text; got 'byte 0xff'"),
            ("a: 1".encode("utf-16"), 1, "cannot be read as UTF-8 text"),
        ],
    )
    def test_it_is_refused_with_its_line(self, tmp_path: Path, text: str | bytes, line: int, words: str) -> None:
        message = fault(tmp_path, text)
        assert message.startswith(f":{line}: ")
        assert words in message
        assert "\n" not in message

    def test_a_missing_file_and_a_folder_are_named(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"no\.yaml: no such file; give the path"):
            load_yaml(tmp_path / "no.yaml")
        with pytest.raises(UserError, match="cannot be read; got 'Is a directory'"):
            load_yaml(tmp_path)


class TestAttacks:
    @pytest.mark.parametrize(
        "text",
        [
            "[" * 100_000,
            "a: " + "{b: " * 100_000,
            "- " * 100_000,
            "a: " + "[" * 50_000 + "]" * 50_000,
            "".join(" " * i + "a:\n" for i in range(2000)),
            "a: &a [*a]\n",
            "".join(f"k{i}: &k{i} [*k{i - 1}]\n" if i else "k0: &k0 []\n" for i in range(2000)),
        ],
        ids=["brackets", "braces", "dashes", "closed brackets", "indents", "a cycle", "a chain of aliases"],
    )
    def test_deep_nesting_is_refused_before_it_breaks_the_parser(self, tmp_path: Path, text: str) -> None:
        assert f"nested more than {MAX_DEPTH} levels deep" in fault(tmp_path, text)

    def test_nesting_up_to_the_limit_is_read(self, tmp_path: Path) -> None:
        assert read(tmp_path, "[" * MAX_DEPTH + "]" * MAX_DEPTH)[0]

    def test_aliases_of_aliases_are_not_chased(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(yaml_lines, "MAX_NODES", 10_000)
        steps = [f"k{i}: &k{i} [{', '.join([f'*k{i - 1}'] * 9)}]\n" for i in range(1, 12)]
        message = fault(tmp_path, "k0: &k0 [x]\n" + "".join(steps))
        assert "more than 10,000 values; remove nested YAML aliases" in message

    def test_a_few_lines_of_aliases_do_not_keep_the_reader_busy(self, tmp_path: Path) -> None:
        steps = [f"k{i}: &k{i} [{', '.join([f'*k{i - 1}'] * 10)}]\n" for i in range(1, 10)]
        began = time.process_time()
        assert "remove nested YAML aliases" in fault(tmp_path, "k0: &k0 [x]\n" + "".join(steps))
        assert time.process_time() - began < 3

    def test_a_long_file_without_aliases_is_no_reason_to_refuse(self, tmp_path: Path) -> None:
        numbers = list(range(MAX_REPEATED + 1000))
        assert read(tmp_path, f"numbers: {numbers}\n")[0] == {"numbers": numbers}
