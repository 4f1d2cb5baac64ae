"""Small harness tasks over local files, and models to measure on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ptp_core.spec.model import Model
from tests import tiny as tiny_study
from tests.tiny import Tiny

CONTEXT = 256
MEANS = "aggregation: mean, higher_is_better: true"
CHOICE = f"""\
task: NAME
dataset_path: json
dataset_kwargs:
  data_files: {{test: DATA}}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{{{question}}}}\\nAnswer:"
doc_to_choice: choices
doc_to_target: "{{{{answer_idx}}}}"
num_fewshot: SHOTS
metric_list:
  - {{metric: acc, {MEANS}}}
  - {{metric: acc_norm, {MEANS}}}
"""
ANSWER = f"""\
task: NAME
dataset_path: json
dataset_kwargs:
  data_files: {{test: DATA}}
test_split: test
output_type: generate_until
doc_to_text: "Q: {{{{question}}}}\\nA:"
doc_to_target: answers
num_fewshot: SHOTS
generation_kwargs: {{until: ["\\n"], max_gen_toks: 12, do_sample: false}}
metric_list:
  - {{metric: exact_match, {MEANS}, ignore_case: true, ignore_punctuation: true}}
"""
LIKELY = """\
task: NAME
dataset_path: json
dataset_kwargs:
  data_files: {test: DATA}
test_split: test
output_type: loglikelihood
doc_to_text: question
doc_to_target: "{{' ' + answers[0]}}"
num_fewshot: SHOTS
metric_list:
  - {metric: perplexity, aggregation: perplexity, higher_is_better: false}
  - {metric: acc, aggregation: mean, higher_is_better: true}
"""


def write(folder: Path, name: str, records: list[dict[str, Any]], text: str = CHOICE, shots: int = 0) -> Path:
    """A task's YAML and its data file in ``folder``, the data named relative to the YAML."""
    folder.mkdir(parents=True, exist_ok=True)
    tiny_study.write_lines(folder / f"{name}.jsonl", records)
    path = folder / f"{name}.yaml"
    text = text.replace("NAME", name).replace("DATA", f"{name}.jsonl").replace("SHOTS", str(shots))
    path.write_text(text, encoding="utf-8")
    return path


def write_group(folder: Path, sizes: dict[str, int]) -> None:
    """A group ``quizzes`` over tasks of so many questions, summed up by size, as the harness' own folder has them."""
    for name, count in sizes.items():
        path = write(folder / name, name, questions(count), shots=1)
        path.write_text(path.read_text().replace(f"{name}.jsonl", str(folder / name / f"{name}.jsonl")))
    members = "".join(f"  - {name}\n" for name in sizes)
    summed = "aggregate_metric_list:\n  - {metric: acc, weight_by_size: true}\n"
    (folder / "quizzes.yaml").write_text(f"group: quizzes\ntask:\n{members}{summed}")


def questions(count: int = 24) -> list[dict[str, Any]]:
    """Made-up questions with four choices each, no two the same."""
    asked = tiny_study.questions("cms")["test"]
    return [
        asked[i % len(asked)] | {"id": f"q{i}", "question": f"{asked[i % len(asked)]['question']} Say it {i} times."}
        for i in range(count)
    ]


def random_model(folder: Path, tokenizer: Path, seed: int = 0, context: int = CONTEXT) -> Path:
    """A random Llama with a tokenizer of ours."""
    from ptp_core.data import tokenizer as tokenizers
    from ptp_core.training.model import new_model, save_model

    settings = Model.model_validate(tiny_study.MODEL | {"context": context})
    folder.mkdir(parents=True)
    save_model(new_model(settings, tokenizers.load(tokenizer).get_vocab_size(), seed), tokenizer, folder)
    return folder


def imported_model(folder: Path, tiny: Tiny) -> Path:
    """A random GPT-NeoX with a tokenizer of others, taken over as a study's stages do."""
    from ptp_core.data import import_tokenizer
    from ptp_core.training import import_checkpoint
    from tests import foreign

    texts = tiny_study.documents("animals", 200)
    files = foreign.files(foreign.save(folder / "theirs", texts))
    tiny_study.make(import_tokenizer.run, folder / "tokenizer", {}, inputs={"tokenizer": files["tokenizer"]})
    tiny_study.make(
        import_checkpoint.run, folder / "model", {}, {"tokenizer": folder / "tokenizer"}, {"model": files["model"]}
    )
    return folder / "model"
