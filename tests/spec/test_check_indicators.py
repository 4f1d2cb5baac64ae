"""What can be wrong with indicators and the names of their numbers, as far as the spec alone tells."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.spec.texts import edited

TASKS = """\
tasks:
  colours: {family: cms, yaml: colours.yaml}
  quiz: {family: rag, test: quiz.jsonl}
finetune: {tasks: [cms, cbqa], seeds: [0, 1]}
"""


@pytest.mark.parametrize(
    ("indicators", "message"),
    [
        ("{kshot_colours: {prompt_format: instruct}, ppl_clm: {}}",
         "kshot_colours.prompt_format: kshot_colours has no option `prompt_format`; expected max_items, quantities, "),
        ("{kshot_cbqa: {quantities: [f1, margin]}, ppl_clm: {}}",
         "kshot_cbqa.quantities[1]: kshot_cbqa has no quantity 'margin'; known: "),
        ("{kshot_cms: {quantities: [f1]}, ppl_clm: {}}",
         "kshot_cms.quantities[0]: kshot_cms has no quantity 'f1'; known: "),
        ("{mine: {tasks: [colours]}, ppl_clm: {}}",
         'mine.tasks[0]: task "colours" has no training items of ours, which mine reads; give a task with a `train` '),
        ("{mine: {tasks: [cbqa, quiz]}, ppl_clm: {}}",
         'mine.tasks[1]: task "quiz" has no training items of ours, which mine reads; give a task with a `train` '),
        ("{mine: {tasks: [cbq]}, ppl_clm: {}}", 'mine.tasks[0]: unknown task "cbq"; did you mean "cbqa"?'),
    ],
)  # fmt: skip
def test_what_an_indicator_cannot_have_is_found(complaint: Callable[[str], str], indicators: str, message: str) -> None:
    text = edited(
        ("finetune: {tasks: [cms, cbqa], seeds: [0, 1]}\n", TASKS),
        ("indicators: [ppl_clm, kshot_cms]", f"plugins: [mine.py]\nindicators: {indicators}"),
    )
    found = complaint(text)
    assert found.startswith(f"18 indicators.{message}")
    assert "\n" not in found


@pytest.mark.parametrize(
    ("tasks", "finetune", "indicators", "message"),
    [
        ("a: {family: rag, TEST, metrics: [f1]}, a.f1: {family: cbqa, TEST}", "[cms, a, a.f1]", "[ppl_clm]",
         'tasks: two numbers would be called "a.f1" in the table; rename one of them'),
        ("a: {family: rag, TEST, metrics: [f1]}, a.f1: {family: cbqa, TEST}", "[cms], test_on: [a, a.f1]", "[ppl_clm]",
         'tasks: two numbers would be called "a.f1" in the table; rename one of them'),
        ("mean_cbqa: {family: cbqa, TEST}", "[cms, cbqa, mean_cbqa]", "[ppl_clm]",
         'tasks: two numbers would be called "mean_cbqa" in the table; rename one of them'),
        ("a: {family: cms, TEST}", "[cms]", "[ppl_clm, kshot_a, kshot_cms, mean_kshot_cms]",
         'indicators: two numbers would be called "mean_kshot_cms" in the table; rename one of them'),
        ("a: {family: cms, TEST, metrics: [acc, acc]}", "[cms]", "[ppl_clm]",
         "tasks.a: metric 'acc' is listed twice"),
    ],
)  # fmt: skip
def test_no_two_numbers_go_by_one_name(
    complaint: Callable[[str], str], tasks: str, finetune: str, indicators: str, message: str
) -> None:
    text = edited(
        ("finetune: {tasks: [cms, cbqa], seeds: [0, 1]}\n",
         f"tasks: {{{tasks.replace('TEST', 'test: t.jsonl, train: t.jsonl')}}}\nfinetune: {{tasks: {finetune}}}\n"),
        ("indicators: [ppl_clm, kshot_cms]", f"plugins: [mine.py]\nindicators: {indicators}"),
    )  # fmt: skip
    found = complaint(text)
    assert found.endswith(message)
    assert "\n" not in found


@pytest.mark.parametrize("options", ["{}", "{shots: 3}"])
def test_examples_come_from_training_items(
    load: Callable[[str], object], complaint: Callable[[str], str], options: str
) -> None:
    task = "items: shared\ntasks: {a: {family: rag, test: t.jsonl}}\n"
    text = edited(
        ("finetune: {", f"{task}finetune: {{"), ("[ppl_clm, kshot_cms]", f"{{ppl_clm: {{}}, kshot_a: {options}}}")
    )
    message = '16 indicators.kshot_a: task "a" has no training items to show as examples; write `shots: 0`, or give '
    assert complaint(text).startswith(message)
    load(text.replace(f"kshot_a: {options}", "kshot_a: {shots: 0}"))


def test_a_score_and_the_same_once_more_is_one_number(load: Callable[[str], object]) -> None:
    task = "tasks: {a: {family: rag, test: t.jsonl, train: t.jsonl, metric: f1, metrics: [f1]}}\n"
    load(edited(("finetune: {tasks: [cms, cbqa]", f"{task}finetune: {{tasks: [cms, a]")))
