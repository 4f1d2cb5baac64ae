"""The code of a stage: a copy of the package is edited, and the digests say what the edit reaches."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ptp_core.identity import closure as closures
from ptp_core.identity.closure import closure, closure_digest

FILES = {
    "__init__.py": '"""The package."""\n',
    "stage/__init__.py": "",
    "stage/entry.py": """\
\"\"\"A stage.\"\"\"

from ptp_core.tools import helper
from ptp_core.tools.numbers import ONE

LIMIT = 3
\"\"\"What it is.\"\"\"


def run(x):
    \"\"\"Run it.\"\"\"
    import ptp_core.late

    # a comment
    return helper.twice(x) + ONE + ptp_core.late.more(x)
""",
    "stage/page.html": "<p>",
    "stage/notes.md": "notes",
    "tools/__init__.py": "",
    "tools/helper.py": "def twice(x):\n    return deeper(x)\n\n\nfrom ptp_core.tools.deep import deeper\n",
    "tools/deep.py": "def deeper(x):\n    return 2 * x\n",
    "tools/numbers.py": "ONE = 1\n",
    "tools/words.json": "[]",
    "late.py": "def more(x):\n    return x\n",
    "other/__init__.py": "",
    "other/unused.py": "import os\nX = 1\n",
    "other/data.json": "{}",
}
ENTRY = "ptp_core.stage.entry"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "ptp_core"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setattr(closures, "ROOT", root)
    return root


@pytest.fixture
def edit(package: Path) -> Callable[[str, str, str], None]:
    def replace(name: str, old: str, new: str) -> None:
        path = package / name
        text, stat = path.read_text(), path.stat()
        assert text.count(old) == 1 or not old
        path.write_text(text.replace(old, new, 1) if old else new + text)
        # A clock that ticks between two edits, as it does between two runs.
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns + 10**9))

    return replace


def test_it_is_all_that_the_entry_can_reach_and_no_more(package: Path) -> None:
    assert set(closure(ENTRY)) == {
        "ptp_core", "ptp_core.late", "ptp_core.stage", "ptp_core.stage.entry", "ptp_core.tools", "ptp_core.tools.deep",
        "ptp_core.tools.helper", "ptp_core.tools.numbers", "ptp_core/stage/page.html", "ptp_core/tools/words.json",
    }  # fmt: skip


def test_the_packages_around_an_entry_that_imports_nothing_count(package: Path) -> None:
    assert set(closure("ptp_core.other.unused")) == {
        "ptp_core", "ptp_core.other", "ptp_core.other.unused", "ptp_core/other/data.json",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stage/entry.py", "# a comment", "# another comment"),
        ("stage/entry.py", "Run it.", "Run it well."),
        ("stage/entry.py", '"""A stage."""\n', ""),
        ("stage/entry.py", "What it is.", "What it was."),
        ("stage/entry.py", "LIMIT = 3", "LIMIT  =  (\n    3\n)"),
        ("tools/deep.py", "return 2 * x", "return (2*x)  # twice"),
        ("__init__.py", "The package.", "This package."),
        ("other/unused.py", "X = 1", "X = 2"),
        ("other/data.json", "{}", "[1]"),
        ("stage/notes.md", "notes", "other notes"),
    ],
)
def test_an_edit_that_no_result_can_feel_changes_nothing(
    package: Path, edit: Callable[[str, str, str], None], name: str, old: str, new: str
) -> None:
    before = closure_digest(ENTRY)
    edit(name, old, new)
    assert closure_digest(ENTRY) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stage/entry.py", "LIMIT = 3", "LIMIT = 4"),
        ("stage/entry.py", "helper.twice(x) + ONE", "ONE + helper.twice(x)"),
        ("tools/helper.py", "deeper(x)", "deeper(x + 1)"),
        ("tools/deep.py", "2 * x", "3 * x"),
        ("tools/numbers.py", "ONE = 1", "ONE = 1.0"),
        ("late.py", "return x", "return -x"),
        ("tools/__init__.py", "", "import random\n"),
        ("stage/page.html", "<p>", "<b>"),
        ("tools/words.json", "[]", "[1]"),
    ],
)
def test_an_edit_of_reached_code_or_of_a_file_beside_it_changes_the_digest(
    package: Path, edit: Callable[[str, str, str], None], name: str, old: str, new: str
) -> None:
    before = closure_digest(ENTRY)
    edit(name, old, new)
    assert closure_digest(ENTRY) != before


def test_relative_imports_are_refused(package: Path) -> None:
    (package / "late.py").write_text("from . import tools\n")
    with pytest.raises(ValueError, match="relative imports hide"):
        closure(ENTRY)


def test_an_entry_that_is_not_there_is_an_error(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError):
        closure("ptp_core.nowhere")


def test_the_real_stages_reach_what_they_run_and_not_the_analysis() -> None:
    training = set(closure("ptp_core.training.pretrain"))
    assert {"ptp_core.training.module", "ptp_core.objectives.span_corruption", "ptp_core.spec.pretrain"} <= training
    assert not {name for name in training if name.startswith(("ptp_core.engine", "ptp_core.predict", "ptp_core.stats"))}
    assert "ptp_core/report/style.css" in closure("ptp_core.report.page")
