"""What a file of indicators declares, read without running it; and what is wrong with it, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptp_core.errors import UserError, UserErrors
from ptp_core.spec.plugins import Declared, declared

FRONT = "from ptp_core.indicators import indicator, Probe\n"
GOOD = '''
@indicator(higher_is_better=False)
def embedding_norm(probe: Probe) -> float:
    """Mean norm of the
    token embeddings.

    In two lines.
    """
    return 1.0
'''


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_indicator_is_declared_by_its_decorator_and_docstring(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        FRONT + "def helper(): ...\n" + GOOD + GOOD.replace("embedding_norm", "second").replace("False", "True"),
    )
    first = Declared("embedding_norm", False, "Mean norm of the token embeddings.", 5)
    second = Declared("second", True, "Mean norm of the token embeddings.", 14)
    assert list(declared(path).items()) == [("embedding_norm", first), ("second", second)]


@pytest.mark.parametrize(
    ("front", "name"),
    [
        ("from ptp_core.indicators import indicator as measures", "measures"),
        ("import ptp_core.indicators", "ptp_core.indicators.indicator"),
        ("import ptp_core.indicators as ours", "ours.indicator"),
        ("from ptp_core import indicators", "indicators.indicator"),
    ],
)
def test_the_decorator_may_be_imported_in_any_way(tmp_path: Path, front: str, name: str) -> None:
    assert list(declared(write(tmp_path, front + GOOD.replace("@indicator", f"@{name}")))) == ["embedding_norm"]


def test_the_file_is_not_run(tmp_path: Path) -> None:
    path = write(tmp_path, FRONT + GOOD + f"\nopen({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit\n")
    assert list(declared(path)) == ["embedding_norm"]
    assert not (tmp_path / "ran").exists()


def decorated(decorator: str) -> str:
    """A function with a decorator on line 2."""
    return f"{FRONT}{decorator}\ndef f(probe):\n    'F.'\n"


def changed(old: str, new: str) -> str:
    """The good indicator, on line 4, with a change to it."""
    return FRONT + GOOD.replace(old, new)


NONE = (
    r"mine\.py: no function of this file is an indicator; write `from ptp_core\.indicators import indicator` and @ind"
)
SPELLED_OUT = r"mine\.py:2 f: higher_is_better must be written out; write @indicator\(higher_is_better=True\), or False"
PLACE = "an indicator is a plain function at the top level of the file"
PROBE = r"mine\.py:4 embedding_norm: an indicator takes one argument, the probe"
COLUMN = "this name cannot be a column of the table; use letters"
OURS = "names that begin with ppl_, kshot_, tuned_ are those of our own indicators; rename it"
TWICE = "this name is used on line"
BLANK = "there is no docstring; say in a sentence what is measured"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(:\n", r"mine\.py:1: this is not Python: invalid syntax"),
        ("x = 1\nif x:\ny\n", r"mine\.py:3: this is not Python: expected an indented block"),
        ("x = '\0'", r"mine\.py.*: this is not Python: .*null bytes"),
        ("(" * 5000, r"mine\.py.*: this is not Python: "),
        ("", NONE),
        (GOOD, NONE),
        (FRONT + "def f(probe):\n    '''F.'''\n", NONE),
        (changed('    """Mean', '    f"""Mean'), rf"mine\.py:4 embedding_norm: {BLANK}"),
        (decorated("@indicator(higher_is_better=True)").replace("F.", " "), rf"mine\.py:3 f: {BLANK}"),
        (decorated("@indicator"), SPELLED_OUT),
        (decorated("@indicator()"), SPELLED_OUT),
        (decorated("@indicator(True)"), SPELLED_OUT),
        (decorated("@indicator(higher_is_better=not False)"), SPELLED_OUT),
        (decorated("@indicator(higher_is_better=1)"), SPELLED_OUT),
        (decorated("@indicator(higher_is_better=True, n=1)"), SPELLED_OUT),
        (decorated("@indicator(**{})"), SPELLED_OUT),
        (FRONT + GOOD + GOOD, rf"mine\.py:4 embedding_norm: {TWICE} 13 as well; rename one of the two"),
        (FRONT + GOOD + "def embedding_norm(): ...\n", rf"mine\.py:4 embedding_norm: {TWICE} 11 as well"),
        (changed("embedding_norm", "_norm"), rf"mine\.py:4 _norm: {COLUMN}"),
        (changed("embedding_norm", "größe"), rf"mine\.py:4 größe: {COLUMN}"),
        (changed("embedding_norm", "n" * 81), rf"{COLUMN} .* at most 80"),
        (changed("embedding_norm", "ppl_mine"), rf"mine\.py:4 ppl_mine: {OURS}"),
        (changed("embedding_norm", "kshot_mine"), rf"mine\.py:4 kshot_mine: {OURS}"),
        (changed("embedding_norm", "tuned_mine"), rf"mine\.py:4 tuned_mine: {OURS}"),
        (changed("def", "async def"), rf"mine\.py:4 embedding_norm: {PLACE}"),
        (FRONT + "if 1:\n" + GOOD.replace("\n", "\n  "), rf"mine\.py:5 embedding_norm: {PLACE}"),
        (changed("probe: Probe", ""), PROBE),
        (changed("probe: Probe", "a, b"), PROBE),
        (changed("probe: Probe", "a, *, b"), PROBE),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        declared(write(tmp_path, text))


def test_all_mistakes_are_listed(tmp_path: Path) -> None:
    text = FRONT + "@indicator\ndef _f(probe):\n    pass\n" + GOOD + GOOD
    with pytest.raises(UserErrors) as caught:
        declared(write(tmp_path, text))
    assert len(str(caught.value).splitlines()) == 5


def test_further_arguments_may_have_defaults(tmp_path: Path) -> None:
    assert declared(write(tmp_path, FRONT + GOOD.replace("probe: Probe", "probe, n=1, *rest, m=2, **more")))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mine\.py: this file cannot be read; got 'No such file or directory'"):
        declared(tmp_path / "mine.py")
    with pytest.raises(UserError, match=r"this file cannot be read"):
        declared(tmp_path)
