"""Sections ``checkpoints`` and ``finetune``: what may be written together."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptp_core.errors import UserError
from ptp_core.spec.load import load_study
from ptp_core.spec.study import Study

FOUR = "\n".join(f"  - {{name: c{i}, path: models/{i}}}" for i in range(4))
ALONE = f"""\
study: mine
tasks:
  quiz: {{family: cbqa, train: train.jsonl, test: test.jsonl}}
checkpoints:
{FOUR}
finetune: {{tasks: [quiz], epochs: 3}}
indicators: [kshot_quiz]
"""


def loaded(folder: Path, text: str) -> Study:
    (folder / "study.yaml").write_text(text)
    return load_study(folder / "study.yaml").spec


def test_checkpoints_need_neither_model_nor_text(tmp_path: Path) -> None:
    spec = loaded(tmp_path, ALONE)
    assert [checkpoint.name for checkpoint in spec.checkpoints] == ["c0", "c1", "c2", "c3"]
    assert spec.data is spec.model is spec.pretrain is None


def test_a_hub_checkpoint_may_have_its_tokenizer_elsewhere(tmp_path: Path) -> None:
    entry = "{name: c0, hub: org/model, revision: step1000, tokens: 4B, tokenizer: {path: here}, config: {step: 1000}}"
    first = loaded(tmp_path, ALONE.replace("{name: c0, path: models/0}", entry)).checkpoints[0]
    assert (first.tokens, first.tokenizer_origin.path, first.config) == (4_000_000_000, "here", {"step": 1000})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("path: models/0", "path: models/0, hub: org/x, revision: a", "give exactly one of `path` and `hub`"),
        ("path: models/0", "hub: org/x", "`hub` and `revision` go together"),
        ("path: models/0", "hub: org/x, revision: main", 'revision "main" moves'),
        ("name: c0", "name: C1", 'two variants are called "c1"'),
        ("  - {name: c0, path: models/0}\n", "", "too few variants to compare"),
        ("[kshot_quiz]", "[ppl_clm]", "a perplexity needs text"),
        ("finetune: {tasks: [quiz], epochs: 3}\n", "", "comparing checkpoints needs a section `finetune`"),
        ("epochs: 3", "epochs: 3, steps: 5", "give `steps` or `epochs`, not both"),
        ("epochs: 3", "lora: {rank: 4}", "`lora` goes with `method: lora` only"),
        ("epochs: 3", "validate_every: 4", "`validate_every` needs a `validation_share`"),
    ],
)
def test_what_does_not_go_together_is_said(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert ALONE.count(old) == 1
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, ALONE.replace(old, new))
    assert message in str(caught.value)


def test_the_shipped_study_of_olmo_loads() -> None:
    study = load_study(Path(__file__).parents[2] / "specs" / "amuro-char.yaml")
    assert len(study.spec.checkpoints) == 8
    assert study.spec.checkpoints[0].tokens == 1000 * 2048 * 2048
