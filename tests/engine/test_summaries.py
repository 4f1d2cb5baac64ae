"""What the report says about how its numbers were made."""

from __future__ import annotations

from ptp_core.engine.summaries import tokenizer_notes


def test_perplexities_in_different_tokens_are_warned_about() -> None:
    ours, theirs = {"tokenizer": "tokenizer/1"}, {"tokenizer": "import_tokenizer/2"}
    (note,) = tokenizer_notes([ours, theirs], ["ppl_clm", "ppl_sc"])
    assert note.startswith("The variants have 2 different tokenizers, and ppl_clm and ppl_sc are per token")


def test_where_tokens_are_the_same_or_nothing_is_counted_in_them_there_is_no_warning() -> None:
    ours, theirs = {"tokenizer": "tokenizer/1"}, {"tokenizer": "import_tokenizer/2"}
    assert tokenizer_notes([ours, ours], ["ppl_clm"]) == []
    assert tokenizer_notes([ours, theirs], []) == []
