"""Equal documents are on one side, whatever their white space."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ptp_core.data.held_out import content_digest, is_held_out


@given(st.text(), st.sampled_from([0.01, 0.3, 0.5]))
def test_white_space_decides_nothing(text: str, share: float) -> None:
    spaced = "\n" + "  \t".join(text.split()) + " "
    assert content_digest(spaced) == content_digest(text)
    assert is_held_out(spaced, share) == is_held_out(text, share)


def test_the_share_is_about_what_is_asked_for() -> None:
    assert 400 <= sum(is_held_out(f"document {i}", 0.05) for i in range(10_000)) <= 600


def test_case_and_spaces_between_words_tell_documents_apart() -> None:
    assert len({content_digest(text) for text in ("a b", "ab", "A b", "b a")}) == 4
