"""Indicators that users write: ten lines give a number; a mistake in one fails that one, named with its line."""

from __future__ import annotations

import math
import os
import random
import signal
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ptp_core.measure import plugins
from ptp_core.measure.measured import Measured, metrics_of, write_items
from ptp_core.measure.plugins import PluginFailed
from ptp_core.measure.probe import Probe
from ptp_core.training.model import load_model
from ptp_core.work import Interrupted
from tests.tiny import DOMAINS, Tiny

TEN_LINES = '''"""Indicators of our own."""
from ptp_core.indicators import indicator, Probe


@indicator(higher_is_better=False)
def embedding_norm(probe: Probe) -> float:
    """Mean norm of the token embeddings."""
    embeddings = probe.model.get_input_embeddings().weight
    norms = embeddings.norm(dim=1)
    return norms.mean()
'''


@pytest.fixture
def probe(tiny: Tiny, checkpoint: Path) -> Probe:
    shards = {domain: tiny.folder / domain for domain in DOMAINS}
    return Probe(checkpoint, shards, {"cbqa": tiny.task("cbqa")})


def write(folder: Path, body: str, front: str = "") -> Path:
    """A file whose one indicator is on line 5 and has this body from line 7 on."""
    lines = [
        '"""Mine."""', "from ptp_core.indicators import indicator, Probe", front, "@indicator(higher_is_better=True)",
        "def mine(probe):", '    """Mine."""', *(f"    {line}" for line in body.split("\n")),
    ]  # fmt: skip
    path = folder / "mine.py"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(folder: Path, probe: Probe, body: str, front: str = "") -> Measured:
    return plugins.run(write(folder, body, front), "mine", probe)


def test_ten_lines_are_an_indicator(tmp_path: Path, probe: Probe, checkpoint: Path) -> None:
    assert len(TEN_LINES.splitlines()) == 10
    (tmp_path / "mine.py").write_text(TEN_LINES)
    found = plugins.run(tmp_path / "mine.py", "embedding_norm", probe)
    expected = load_model(checkpoint).get_input_embeddings().weight.norm(dim=1).mean()
    quantity = found.quantities[found.headline]
    assert quantity.value == pytest.approx(float(expected.detach()))
    assert (quantity.stderr, quantity.n_items, quantity.higher_is_better) == (None, 1, False)
    assert metrics_of(found)["headline"] == "value"
    assert found.items == ()


def test_an_exception_names_file_and_line_and_its_traceback_is_printed(
    tmp_path: Path, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PluginFailed, match=r"^mine\.py:3 ZeroDivisionError: division by zero$"):
        run(tmp_path, probe, "x = 1\nreturn deeper(x)", front="def deeper(x): return x / 0")
    said = capsys.readouterr().out
    assert said.startswith("Traceback (most recent call last):\n")
    assert [line.split(", ")[1] for line in said.splitlines() if line.startswith("  File")] == ["line 8", "line 3"]
    assert "return deeper(x)" in said
    assert "plugins.py" not in said


def test_the_line_is_the_users_even_if_a_library_raised(
    tmp_path: Path, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PluginFailed, match=r"^mine\.py:8 RuntimeError: "):
        run(tmp_path, probe, "import torch\nreturn torch.zeros(2) @ torch.zeros(3)")
    with pytest.raises(
        PluginFailed, match=r"^mine\.py:7 KeyError: .*no task \"cbq\" is given .*did you mean \"cbqa\"\?"
    ):
        run(tmp_path, probe, "return probe.items('cbq')")
    assert "probe.py" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "front", "message"),
    [
        ("import sys; sys.exit(3)", "", r"mine\.py:7 SystemExit: 3"),
        ("return 1", "raise SystemExit", r"mine\.py:3 SystemExit"),
        ("return 1", "import nothing_of_this_name", r"mine\.py:3 ModuleNotFoundError: No module named"),
        ("return 1", "return 1", r"mine\.py:3 SyntaxError: 'return' outside function"),
        ("return mine(probe)", "", r"mine\.py:7 RecursionError: maximum recursion depth"),
        ("raise GeneratorExit", "", r"mine\.py:7 GeneratorExit"),
        ("raise Odd", "class Odd(Exception): __str__ = 7", r"mine\.py:7 Odd: <exception str\(\) failed>"),
        ("raise ValueError('one\\ntwo \\x1b')", "", r"mine\.py:7 ValueError: one$"),
        ("raise ValueError('\\x1b[31m' + 'a' * 999)", "", r"mine\.py:7 ValueError: \?\[31ma{90,190}$"),
    ],
)  # fmt: skip
def test_whatever_goes_wrong_fails_this_indicator_in_one_line(
    tmp_path: Path, probe: Probe, body: str, front: str, message: str
) -> None:
    with pytest.raises(PluginFailed, match="^" + message) as caught:
        run(tmp_path, probe, body, front)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [KeyboardInterrupt, Interrupted])
def test_a_wish_to_stop_is_not_taken_for_a_failure(tmp_path: Path, probe: Probe, error: type[BaseException]) -> None:
    with pytest.raises(error):
        run(tmp_path, probe, f"raise {error.__name__}", f"from {error.__module__} import {error.__name__}")
    assert plugins.MODULE not in sys.modules


@pytest.mark.parametrize(
    ("returned", "value"),
    [
        ("3", 3.0), ("np.float32(0.5)", 0.5), ("np.int64(4)", 4.0), ("np.array(2.0)", 2.0), ("torch.tensor(1.5)", 1.5),
        ("torch.tensor(1.5, requires_grad=True, dtype=torch.bfloat16)", 1.5), ("Fraction(1, 4)", 0.25),
    ],
)  # fmt: skip
def test_any_number_is_a_number(tmp_path: Path, probe: Probe, returned: str, value: float) -> None:
    found = run(tmp_path, probe, f"return {returned}", "import numpy as np, torch; from fractions import Fraction")
    assert found.quantities["value"].value == value


@pytest.mark.parametrize(
    "returned", ["[1, 2, 6.5]", "(1, 2, 6.5)", "np.array([1, 2, 6.5])", "torch.tensor([1, 2, 6.5])"]
)
def test_numbers_of_items_give_a_mean_with_its_error(tmp_path: Path, probe: Probe, returned: str) -> None:
    found = run(tmp_path, probe, f"return {returned}", "import numpy as np, torch")
    quantity = found.quantities[found.headline]
    assert quantity.value == pytest.approx(9.5 / 3)
    assert quantity.stderr == pytest.approx(statistics.stdev([1, 2, 6.5]) / math.sqrt(3))
    assert (quantity.n_items, quantity.higher_is_better) == (3, True)
    assert [(item.id, item.score) for item in found.items] == [("0", 1), ("1", 2), ("2", 6.5)]
    write_items(found.items, tmp_path)
    assert run(tmp_path, probe, "return [2]").quantities["value"].stderr is None


def test_the_first_of_named_numbers_is_the_headline(tmp_path: Path, probe: Probe) -> None:
    found = run(tmp_path, probe, "return {'b': 1, 'a': np.float64(2)}", "import numpy as np")
    assert found.headline == "b"
    assert {name: quantity.value for name, quantity in found.quantities.items()} == {"b": 1.0, "a": 2.0}


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("None", "returned None; expected a number, the numbers of items, or a dict of named numbers"),
        ("'3'", "returned '3'; expected"),
        ("True", "returned True; expected"),
        ("1j", "returned 1j; expected"),
        ("[]", r"returned \[\]; expected"),
        ("{}", r"returned {}; expected"),
        ("[[1]]", r"returned \[1\] for item 0; expected"),
        ("[1, None]", "returned None for item 1; expected"),
        ("{'a': [1]}", r'returned \[1\] for "a"; expected'),
        ("float('nan')", "returned nan$"),
        ("float('inf')", "returned inf$"),
        ("[1, float('nan')]", "returned nan for item 1$"),
        ("{'a': float('-inf')}", 'returned -inf for "a"$'),
        ("{1: 1}", "returned the key 1, which cannot be part of a column's name"),
        ("{'a/b': 1}", "returned the key 'a/b', which"),
        ("(x for x in [1])", "returned <generator .*; expected"),
        ("10 ** 400", "OverflowError: "),
    ],
)
def test_what_is_no_finite_number_is_refused(tmp_path: Path, probe: Probe, returned: str, message: str) -> None:
    with pytest.raises(PluginFailed, match=rf"^mine\.py:5 {message}"):
        run(tmp_path, probe, f"return {returned}")


def test_a_probe_shows_the_checkpoint_and_the_data_of_the_study(tmp_path: Path, probe: Probe, checkpoint: Path) -> None:
    body = f"""assert probe.folder == pathlib.Path({str(checkpoint)!r})
assert not probe.model.training and probe.model.dtype == torch.float32
assert probe.tokenizer("The cat")["input_ids"]
assert sorted(probe.held_out) == {sorted(DOMAINS)}
assert probe.held_out["sums"][0] == probe.tokenizer.bos_token_id
assert probe.model is probe.model
return [len(item.question) for item in probe.items("cbqa")]"""
    assert run(tmp_path, probe, body, "import pathlib, torch").quantities["value"].n_items == 8


def test_nothing_done_to_the_model_reaches_the_next_indicator(tmp_path: Path, probe: Probe) -> None:
    before = {name: weights.clone() for name, weights in probe.model.state_dict().items()}
    spoil = """for weights in probe.model.parameters(): torch.nn.init.zeros_(weights)
probe.model.forward = None
probe.model.register_forward_pre_hook(lambda *_: 1 / 0)
probe.model.train().double()
return 1"""
    run(tmp_path, probe, spoil, "import torch")
    look = "return [float(probe.model(torch.tensor([[5, 6]])).logits.sum()), probe.model.training + 0.0]"
    found = run(tmp_path, probe, look, "import torch")
    with torch.no_grad():
        assert found.items[0].score == pytest.approx(float(probe.model(torch.tensor([[5, 6]])).logits.sum()))
    assert found.items[1].score == 0
    assert all(torch.equal(weights, before[name]) for name, weights in probe.model.state_dict().items())
    assert all(torch.equal(weights, before[name]) for name, weights in load_model(probe.folder).state_dict().items())
    with pytest.raises(PluginFailed, match=r"mine\.py:7 ValueError: assignment destination is read-only"):
        run(tmp_path, probe, "probe.held_out['sums'][0] = 1")


def test_nothing_done_to_the_process_reaches_the_next_indicator(tmp_path: Path, probe: Probe) -> None:
    def state() -> list[Any]:
        numerics = [torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_num_threads(), torch.initial_seed()]
        handlers = [signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)]
        drawn = [random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()]  # type: ignore[index]
        return [numerics[:3], handlers, drawn, dict(os.environ), Path.cwd(), list(sys.path), sys.stdout]

    change = """torch.set_grad_enabled(False); torch.set_default_dtype(torch.float64)
torch.set_num_threads(1 + torch.get_num_threads())
torch.manual_seed(9); random.seed(9); np.random.seed(9)
signal.signal(signal.SIGTERM, signal.SIG_IGN); os.environ["LEFT"] = "over"; os.environ.pop("PATH", None)
os.chdir("/"); sys.path.insert(0, "/nowhere"); sys.stdout = None
raise ValueError"""
    before = state()
    with pytest.raises(PluginFailed, match="ValueError"):
        run(tmp_path, probe, change, "import os, random, signal, sys; import numpy as np; import torch")
    assert state() == before


def test_what_is_measured_next_is_as_precise_and_where_it_was(tmp_path: Path, probe: Probe) -> None:
    before = torch.get_float32_matmul_precision(), torch.get_default_device()
    change = 'torch.set_float32_matmul_precision("medium"); torch.set_default_device("meta")\nreturn 1'
    run(tmp_path, probe, change, "import torch")
    assert (torch.get_float32_matmul_precision(), torch.get_default_device()) == before


def test_random_numbers_are_the_same_at_every_call(tmp_path: Path, probe: Probe) -> None:
    body, front = (
        "return [random.random(), np.random.rand(), torch.rand(())]",
        "import random, torch; import numpy as np",
    )
    first = run(tmp_path, probe, body, front)
    torch.rand(3)
    assert run(tmp_path, probe, body, front) == first


def test_the_file_is_no_module_that_others_can_import(tmp_path: Path, probe: Probe) -> None:
    front = "import dataclasses; X = dataclasses.dataclass(type('X', (), {'__annotations__': {'a': 'int'}}))"
    before = set(sys.modules)
    run(tmp_path, probe, "return 1", front)
    assert not {name for name in set(sys.modules) - before if "mine" in name or name.startswith("_ptp")}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.py"]


def test_the_file_is_read_as_it_is_now(tmp_path: Path, probe: Probe) -> None:
    for value in range(5):
        assert run(tmp_path, probe, f"return {value}").quantities["value"].value == value


def test_a_file_that_has_changed_since_it_was_planned_fails_its_indicators_only(tmp_path: Path, probe: Probe) -> None:
    with pytest.raises(PluginFailed, match=r"^mine\.py has no indicator 'other'$"):
        plugins.run(write(tmp_path, "return 1"), "other", probe)
    with pytest.raises(PluginFailed, match=r"^mine\.py:7: this is not Python"):
        run(tmp_path, probe, "return 1 +")
    with pytest.raises(PluginFailed, match=r"^mine\.py: this file cannot be read"):
        plugins.run(tmp_path / "gone" / "mine.py", "mine", probe)


def test_a_truth_value_must_be_one(tmp_path: Path) -> None:
    from ptp_core.indicators import indicator

    with pytest.raises(TypeError, match="higher_is_better is True or False"):
        indicator(higher_is_better=1)  # type: ignore[arg-type]
