"""The code of a stage: a copy of the package is edited, and the digests say what the edit reaches."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ptp_core.engine.stages import STAGES
from ptp_core.identity import closure as closures
from ptp_core.identity.closure import closure, closure_digest

FILES = {
    "__init__.py": '"""The package."""\n',
    "stage/__init__.py": "",
    "stage/entry.py": """\
\"\"\"A stage.\"\"\"

from __future__ import annotations

from typing import TYPE_CHECKING

from ptp_core.tools import floor, helper
from ptp_core.tools import numbers as known
from ptp_core.tools.boxes import Box, Bag
from ptp_core.tools.kinds import Pupil
from ptp_core.tools.stars import *

if TYPE_CHECKING:
    from ptp_core.typed import Only

LIMIT = 3
\"\"\"What it is.\"\"\"
SPARE = 4
WORKERS = {"one": "ptp_core.worker:work"}


def run(x: Only, box: Box):
    \"\"\"Run it.\"\"\"
    import ptp_core.late

    # a comment
    def inner(y):
        return from_star(y)

    pupil = Pupil(x)
    late = ptp_core.late.more(inner(box.size()), bagged(pupil))
    return helper.twice(x) + known.ONE + floor(x) + LIMIT + late, WORKERS


def bagged(bag: Bag):
    return bag


def apart(x):
    from ptp_core.apart import lonely

    return lonely(x) + SPARE
""",
    "stage/page.html": "<p>",
    "stage/notes.md": "notes",
    "tools/__init__.py": "from math import floor\n",
    "tools/helper.py": "def twice(x):\n    return deeper(x)\n\n\ndef thrice(x):\n    return 3 * x\n\n\n"
    "from ptp_core.tools.deep import deeper\n",
    "tools/deep.py": "def deeper(x):\n    return 2 * x\n",
    "tools/numbers.py": "ONE = 1\nTWO = 2\n",
    "tools/words.json": "[]",
    "tools/stars.py": "def from_star(x):\n    return x\n\n\ndef unlit(x):\n    return -x\n",
    "tools/kinds.py": """\
from __future__ import annotations

from ptp_core.tools.bases import Person
from ptp_core.tools.marks import Mark, Grade
from ptp_core.tools.register import known_by


class Pupil(Person):
    mark: Mark
    grades: list["Grade"]

    def name(self):
        return checked(self)


def checked(pupil):
    return vars_of("pupil")


def vars_of(x):
    return x


@known_by("teacher")
def teacher():
    return 1
""",
    "tools/bases.py": "class Person:\n    def greet(self):\n        return 'hello'\n\n\nclass Robot:\n    pass\n",
    "tools/boxes.py": "class Box:\n    def size(self):\n        return 1\n\n\nclass Bag:\n    x = 1\n",
    "tools/marks.py": "Mark = int\nGrade = float\nSpare = str\n",
    "tools/register.py": "KNOWN = {}\nKNOWN['nobody'] = None\n\n\ndef known_by(name):\n"
    "    return lambda f: KNOWN.setdefault(name, f)\n\n\ndef forget(name):\n    del KNOWN[name]\n",
    "worker.py": "def work():\n    return globals()['hidden']()\n\n\ndef hidden():\n    return 1\n",
    "typed.py": "print('never')\n\n\nclass Only:\n    pass\n",
    "late.py": "try:\n    import json as fast\nexcept ImportError:\n    fast = None\n\n\n"
    "def more(x):\n    return x\n\n\ndef less(x):\n    return x\n",
    "apart.py": "print('only for its effect')\n\n\ndef lonely(x):\n    return x\n",
    "other/__init__.py": "",
    "other/unused.py": "import os\nX = 1\n",
    "other/data.json": "{}",
}
ENTRY = "ptp_core.stage.entry:run"


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
    assert {name.removeprefix("ptp_core.") for name in closure(ENTRY)} == {
        "stage.entry:Box", "stage.entry:bagged", "tools.boxes:Box",
        "stage.entry:LIMIT", "stage.entry:Pupil", "stage.entry:WORKERS", "stage.entry:floor", "stage.entry:helper",
        "stage.entry:known", "stage.entry:run", "tools:floor", "tools.deep:deeper", "tools.helper:deeper",
        "tools.helper:twice", "tools.kinds", "tools.kinds:Grade", "tools.kinds:Mark", "tools.kinds:Person",
        "tools.kinds:Pupil", "tools.kinds:checked", "tools.kinds:known_by", "tools.kinds:vars_of", "tools.bases:Person",
        "tools.marks:Grade", "tools.marks:Mark", "tools.numbers:ONE", "tools.register", "tools.register:KNOWN",
        "tools.register:known_by", "tools.stars:from_star", "worker:hidden", "worker:work", "late", "late:fast",
        "late:more", "tools",
        "ptp_core/stage/page.html", "ptp_core/tools/words.json",
    }  # fmt: skip


def test_a_module_without_a_function_counts_whole_and_so_does_what_lies_around_it(package: Path) -> None:
    assert set(closure("ptp_core.other.unused")) == {
        "ptp_core.other.unused", "ptp_core.other.unused:X", "ptp_core.other.unused:os", "ptp_core/other/data.json",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stage/entry.py", "# a comment", "# another comment"),
        ("stage/entry.py", "Run it.", "Run it well."),
        ("stage/entry.py", '"""A stage."""\n', ""),
        ("stage/entry.py", "What it is.", "What it was."),
        ("stage/entry.py", "LIMIT = 3", "LIMIT  =  (\n    3\n)"),
        ("stage/entry.py", "SPARE = 4", "SPARE = 5"),
        ("stage/entry.py", "lonely(x) + SPARE", "lonely(x)"),
        ("tools/deep.py", "return 2 * x", "return (2*x)  # twice"),
        ("tools/helper.py", "3 * x", "4 * x"),
        ("tools/helper.py", "def thrice", "import os\n\n\ndef at(x):\n    return os.path(x)\n\n\ndef thrice"),
        ("tools/numbers.py", "TWO = 2", "TWO = 3"),
        ("tools/stars.py", "-x", "+x"),
        ("tools/marks.py", "Spare = str", "Spare = bytes"),
        ("tools/bases.py", "    pass", "    legs = 2"),
        ("tools/register.py", "del KNOWN[name]", "KNOWN.pop(name)"),
        ("typed.py", "never", "ever"),
        ("tools/boxes.py", "x = 1", "x = 2"),
        ("late.py", "def less(x):\n    return x", "def less(x):\n    return -x"),
        ("apart.py", "only", "just"),
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
        ("stage/entry.py", "helper.twice(x) + known.ONE", "known.ONE + helper.twice(x)"),
        ("stage/entry.py", "from_star(y)", "from_star(-y)"),
        ("tools/__init__.py", "from math import floor", "from math import ceil as floor"),
        ("tools/__init__.py", "", "import random\n"),
        ("tools/helper.py", "deeper(x)", "deeper(x + 1)"),
        ("tools/deep.py", "2 * x", "3 * x"),
        ("tools/numbers.py", "ONE = 1", "ONE = 1.0"),
        ("tools/stars.py", "return x", "return 2 * x"),
        ("tools/kinds.py", "return 1", "return 2"),
        ("tools/boxes.py", "return 1", "return 2"),
        ("tools/kinds.py", "    return x", "    return [x]"),
        ("tools/bases.py", "'hello'", "'good day'"),
        ("tools/marks.py", "Mark = int", "Mark = bool"),
        ("tools/marks.py", "Grade = float", "Grade = int"),
        ("tools/register.py", "None", "0"),
        ("tools/register.py", "setdefault", "get"),
        ("tools/register.py", "", "import random\nkept = random.seed(3)\n"),
        ("tools/register.py", "", "import random\nclass Kept:\n    state = random.seed(3)\n"),
        ("tools/register.py", "", "def listed():\n    pass\ndef late(x=listed()):\n    return x\n"),
        ("worker.py", "return 1", "return 2"),
        ("late.py", "fast = None", "fast = 0"),
        ("late.py", "def more(x):\n    return x", "def more(x):\n    return -x"),
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("from . import tools\n", "relative imports hide"),
        ("class A:\n    def __init_subclass__(cls):\n        pass\n", "__init_subclass__ hides"),
    ],
)
def test_what_would_hide_code_is_refused(package: Path, text: str, message: str) -> None:
    (package / "late.py").write_text(text)
    with pytest.raises(ValueError, match=message):
        closure(ENTRY)


def test_names_put_together_from_text_reach_everything_below(
    package: Path, edit: Callable[[str, str, str], None]
) -> None:
    edit("worker.py", "return 1", "import importlib\n    return importlib.import_module('ptp_core.other.' + x)")
    assert {"ptp_core.other.unused", "ptp_core.other.unused:X"} <= set(closure(ENTRY))


def test_an_entry_that_is_not_there_is_an_error(package: Path) -> None:
    with pytest.raises(ModuleNotFoundError):
        closure("ptp_core.nowhere")
    with pytest.raises(AttributeError):
        closure("ptp_core.stage.entry:walk")


def test_the_real_stages_reach_what_they_run_and_not_the_analysis() -> None:
    training = set(closure("ptp_core.training.pretrain:run"))
    assert {"ptp_core.training.pretrain:train", "ptp_core.training.worker:main"} <= training
    assert any(name.startswith("ptp_core.objectives.span_corruption:") for name in training)
    assert not {name for name in training if name.startswith(("ptp_core.engine", "ptp_core.predict", "ptp_core.stats"))}
    assert "ptp_core/report/style.css" in closure("ptp_core.report.page:write_report")


@pytest.mark.parametrize(
    ("file", "old", "new", "stale"),
    [
        ("training/run.py", "HELD_OUT_POINTS = 8", "HELD_OUT_POINTS = 4", {"pretrain", "anneal"}),
        (
            "predict/verdict.py",
            "from __future__ import annotations",
            "from __future__ import annotations\n\nX = 1",
            set(),
        ),
        ("objectives/span_corruption.py", "import numpy as np", "import numpy as np\n\nX = np.pi", set()),
        ("data/world/words.py", "LAND = ", "LAND = ANOTHER = ", {"tokenizer", "shards", "task"}),
    ],
)
def test_an_edit_of_the_real_package_makes_exactly_these_stages_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str, stale: set[str]
) -> None:
    copy = tmp_path / "ptp_core"
    shutil.copytree(closures.ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(closures, "ROOT", copy)
    before = {name: closure_digest(stage.entry) for name, stage in STAGES.items()}
    text = (copy / file).read_text()
    assert text.count(old) == 1
    (copy / file).write_text(text.replace(old, new))
    os.utime(copy / file, ns=(0, 0))
    assert {name for name, stage in STAGES.items() if closure_digest(stage.entry) != before[name]} == stale
